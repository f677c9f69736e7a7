/**
 * The FUSE front-end: a device as one regular file, and on request as a loop device or a mounted
 * file system on top of it. Speaks the kernel's protocol itself (docs/formats/fuse.md). Sees the
 * device and {@code nativeio}, and nothing else of obd.
 */
@NullMarked
package dev.obd.fuse;

import org.jspecify.annotations.NullMarked;
