package dev.obd.format.lsmt;

import dev.obd.io.FormatException;

/** Where the data of a record may lie: after the header and before what follows the data. */
final class SegmentBounds {
  /** The first sector after the header. */
  static final long FIRST = LayerHeader.BYTES / Segment.SECTOR;

  private SegmentBounds() {}

  /** True if the record's data ends after {@code endSector}. */
  static boolean beyond(long w0, long w1, long endSector) {
    long length = Segment.zeroed(w1) ? 0 : Segment.length(w0);
    return Segment.moffset(w1) + length > endSector;
  }

  /** Fails unless the record's data lies within sectors {@link #FIRST} to {@code endSector}. */
  static void check(String blob, long at, long w0, long w1, long endSector) throws FormatException {
    if (Segment.moffset(w1) < FIRST || beyond(w0, w1, endSector)) {
      throw new FormatException(
          blob,
          at,
          "segment.moffset",
          "data within sectors " + FIRST + " to " + endSector,
          Segment.zeroed(w1)
              ? "zeroed at " + Segment.moffset(w1)
              : Segment.length(w0) + " sectors at " + Segment.moffset(w1));
    }
  }
}
