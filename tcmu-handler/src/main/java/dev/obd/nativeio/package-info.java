/**
 * The seam to the operating system: system calls through jnr-ffi, the only package that imports it.
 * Knows nothing of obd. A failed call is an {@link dev.obd.nativeio.ErrnoException} naming the call
 * and its arguments; memory is direct {@link java.nio.ByteBuffer}s.
 *
 * <p>The native library is loaded at the first call (some 180 ms), not when a class of this package
 * is loaded. A native call holds on to its carrier, so calls that may wait (a read of {@code
 * /dev/fuse}, a mount) belong on platform threads.
 */
@NullMarked
package dev.obd.nativeio;

import org.jspecify.annotations.NullMarked;
