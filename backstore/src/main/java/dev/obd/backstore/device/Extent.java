package dev.obd.backstore.device;

import dev.obd.io.ExtentMap;

/** A run of the disk, in bytes, and what reading it finds. */
public record Extent(long offset, long length, ExtentMap.Kind kind) {
  /** The first byte after the extent. */
  public long end() {
    return offset + length;
  }
}
