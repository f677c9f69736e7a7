/**
 * OCI distribution and image layouts: references, manifests, blobs. Does not know what is inside a
 * blob.
 */
@NullMarked
package dev.obd.registry;

import org.jspecify.annotations.NullMarked;
