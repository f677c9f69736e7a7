package dev.obd.io;

import java.io.IOException;

/** Knows which parts of a disk hold data. */
public interface ExtentMap {
  /** What reading an extent finds. */
  enum Kind {
    /** Stored bytes. */
    DATA,
    /** Zeros that some layer states (discarded, or written as zeros). */
    ZERO,
    /** Zeros because no layer says anything. */
    HOLE
  }

  /** Receives extents in address order. */
  @FunctionalInterface
  interface Visitor {
    /** Takes one extent, in bytes of the disk; returns false to stop. */
    boolean extent(long offset, long length, Kind kind) throws IOException;
  }

  /**
   * Calls {@code visitor} with extents that together cover {@code [offset, offset + length)}
   * exactly, in order.
   */
  void extents(long offset, long length, Visitor visitor) throws IOException;
}
