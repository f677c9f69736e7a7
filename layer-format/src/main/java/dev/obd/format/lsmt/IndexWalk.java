package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import dev.obd.io.ExtentMap.Kind;

/**
 * Goes through a byte range of a disk run by run: a run is of one kind and, if data, contiguous in
 * one layer, so that many small records become one read. One object per walk; not thread-safe.
 */
final class IndexWalk {
  private final SegmentIndex index;
  private final long end;
  private int next;
  private long offset;
  private long stop;
  private Kind kind = Kind.HOLE;
  private int tag;
  private long dataOffset;

  /** Offsets and lengths are bytes; a negative length is as 0. */
  IndexWalk(SegmentIndex index, long offset, long length) {
    this.index = index;
    this.end = offset + Math.max(0, length);
    this.stop = offset;
    this.next = index.firstEndingAfter(offset / SECTOR);
  }

  /** Moves to the next run; false at the end. */
  boolean next() {
    if (stop >= end) {
      return false;
    }
    offset = stop;
    if (next == index.count() || firstByte(next) > offset) {
      kind = Kind.HOLE;
      stop = next == index.count() ? end : Math.min(end, firstByte(next));
      return true;
    }
    long w1 = index.word1(next);
    kind = Segment.zeroed(w1) ? Kind.ZERO : Kind.DATA;
    tag = Segment.tag(w1);
    dataOffset = Segment.moffset(w1) * SECTOR + offset - firstByte(next);
    stop = endByte(next);
    next++;
    while (stop < end && next < index.count() && continues(index.word1(next))) {
      stop = endByte(next);
      next++;
    }
    stop = Math.min(stop, end);
    return true;
  }

  private boolean continues(long w1) {
    if (firstByte(next) != stop || Segment.zeroed(w1) != (kind == Kind.ZERO)) {
      return false;
    }
    if (kind == Kind.ZERO) {
      return true;
    }
    return Segment.tag(w1) == tag && Segment.moffset(w1) * SECTOR == dataOffset + stop - offset;
  }

  private long firstByte(int i) {
    return Segment.offset(index.word0(i)) * SECTOR;
  }

  private long endByte(int i) {
    return Segment.end(index.word0(i)) * SECTOR;
  }

  /** Where the run begins on the disk, in bytes. */
  long offset() {
    return offset;
  }

  /** Bytes. */
  long length() {
    return stop - offset;
  }

  Kind kind() {
    return kind;
  }

  /** The layer of a data run, 0 the top one. */
  int tag() {
    return tag;
  }

  /** Where a data run begins in its layer file, in bytes. */
  long dataOffset() {
    return dataOffset;
  }
}
