/**
 * The on-disk cache of remote blobs: verified blocks in sparse files, one request per missing
 * range, a size bound. Knows {@code dev.obd.io} and what a digest is; not registries, not formats.
 */
@NullMarked
package dev.obd.backstore.cache;

import org.jspecify.annotations.NullMarked;
