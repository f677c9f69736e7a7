package dev.obd.backstore.cache;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Gives the space of part of a file back to the file system. The JDK has no call for that; without
 * one the cache evicts whole blobs. Thread-safe.
 */
@FunctionalInterface
public interface HolePuncher {
  /**
   * Frees {@code [offset, offset + length)} of {@code file}, which keeps its length and reads as
   * zeros there. Offset and length are multiples of 4096, but the range may end past the file.
   *
   * @throws IOException if the file system cannot, or something failed
   */
  void punch(Path file, long offset, long length) throws IOException;

  /** Cannot punch: the cache evicts whole blobs. */
  HolePuncher NONE =
      (file, offset, length) -> {
        throw new IOException(file + ": no way to punch holes");
      };

  /** Linux's {@code fallocate}; like {@link #NONE} where there is none. */
  static HolePuncher system() {
    return new FallocatePuncher();
  }
}
