/**
 * Preflight: whether an image could be served from here, and how well, looked at step by step.
 * Knows images, the store and the cache; nothing depends on it but commands.
 */
@NullMarked
package dev.obd.backstore.preflight;

import org.jspecify.annotations.NullMarked;
