/**
 * The trace of an image at work: the layer it travels in, and its replay into the cache when the
 * image is attached. Knows layers as sources and manifests as values; opens neither.
 */
@NullMarked
package dev.obd.backstore.prefetch;

import org.jspecify.annotations.NullMarked;
