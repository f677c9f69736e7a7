package dev.obd.backstore.device;

import dev.obd.io.ExtentMap;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * What a {@link BlockDevice} serves: an opened image. Offsets and lengths are disk bytes.
 * Thread-safe.
 */
public interface Disk extends Closeable, ExtentMap {
  /** Disk size in bytes, a multiple of 512. */
  long size();

  /** False: {@link #write} and {@link #discard} are refused before they are called. */
  boolean writable();

  /** Fills {@code dst}; the range is inside the disk. */
  void read(long offset, ByteBuffer dst) throws IOException;

  /** Writes all of {@code src}; offset and length are multiples of 512 and inside the disk. */
  void write(long offset, ByteBuffer src) throws IOException;

  /** The range reads as zeros from now on; offset and length are multiples of 512. */
  void discard(long offset, long length) throws IOException;

  /** Returns once everything written before is on stable storage. */
  void flush() throws IOException;

  /** Brings the range near, as far as that can be done without waiting for it. A hint. */
  void prefetch(long offset, long length) throws IOException;

  /** Why reads do not get on at the moment; empty as long as they do. */
  default Optional<StallReport> stall() {
    return Optional.empty();
  }

  /** True if {@link #stall} is known to be no passing trouble: its origin is down. */
  default boolean isDown() {
    return false;
  }

  /** True for a failure of {@link #read} after which the same read may succeed later by itself. */
  default boolean mayPass(Throwable failure) {
    return false;
  }
}
