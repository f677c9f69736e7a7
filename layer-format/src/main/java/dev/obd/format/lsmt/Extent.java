package dev.obd.format.lsmt;

import dev.obd.io.ExtentMap.Kind;

/** What a lookup found. One object serves all lookups of a read. Not thread-safe. */
final class Extent {
  private Kind kind = Kind.HOLE;
  private long sectors;
  private long dataSector;

  void set(Kind kind, long sectors, long dataSector) {
    this.kind = kind;
    this.sectors = sectors;
    this.dataSector = dataSector;
  }

  Kind kind() {
    return kind;
  }

  /** How many sectors from the one asked for are of this kind and contiguous. */
  long sectors() {
    return sectors;
  }

  /** Where the data of the sector asked for lies. */
  long dataSector() {
    return dataSector;
  }
}
