package dev.obd.backstore.image;

import java.util.Optional;

/**
 * How much of an image is on this machine.
 *
 * @param all of its layers' blobs
 * @param workingSet of what its trace says will be read; empty without a usable trace
 */
public record Locality(Part all, Optional<Part> workingSet) {
  /**
   * Some bytes, and how many of them are here.
   *
   * @param bytes at least 0
   * @param localBytes at most {@code bytes}
   */
  public record Part(long bytes, long localBytes) {
    /** Rounded down, so that 100 is said of what is whole only. */
    public int percent() {
      return bytes == 0 ? 100 : (int) (100.0 * localBytes / bytes);
    }

    public boolean isWhole() {
      return localBytes == bytes;
    }
  }

  /** True if no read needs a registry, as long as nothing is evicted. */
  public boolean outageSafe() {
    return all.isWhole();
  }
}
