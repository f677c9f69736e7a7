package dev.obd.format.lsmt;

import java.io.IOException;
import java.util.List;

/**
 * Which sectors of a disk lie where in a layer, or in which layer of a stack: records in address
 * order that do not overlap, 16 bytes each. Immutable and thread-safe. A sector is 512 bytes.
 */
public final class SegmentIndex {
  /** The most records a merged or writable index holds. */
  public static final int MAX_RECORDS = 128_000_000;

  /** Maps nothing. */
  public static final SegmentIndex EMPTY = new SegmentIndex(new long[0], 0);

  /** Receives segments in address order. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * Takes one segment; returns false to stop.
     *
     * @param firstSector where on the disk
     * @param sectorCount how many
     * @param dataSector where in the layer file; means nothing if {@code zeroed}
     * @param zeroed the segment reads as zeros and has no data
     * @param tag which layer of a stack, 0 the top one
     */
    boolean segment(long firstSector, int sectorCount, long dataSector, boolean zeroed, int tag)
        throws IOException;
  }

  private final long[] words;
  private final int count;

  /** Takes over {@code words}, which hold {@code count} records in order and disjoint. */
  SegmentIndex(long[] words, int count) {
    this.words = words;
    this.count = count;
  }

  /** How many records. */
  public int count() {
    return count;
  }

  long word0(int i) {
    return words[2 * i];
  }

  long word1(int i) {
    return words[2 * i + 1];
  }

  /** The first record that ends after {@code sector}; {@link #count()} if there is none. */
  int firstEndingAfter(long sector) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Segment.end(words[2 * middle]) > sector) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /**
   * Visits what is mapped in {@code lengthSectors} sectors from {@code offsetSector}, the first and
   * last segment clipped to them; sectors that no segment covers are not mapped.
   *
   * @return false if the visitor stopped
   */
  public boolean forEach(long offsetSector, long lengthSectors, Visitor visitor)
      throws IOException {
    long end = offsetSector + lengthSectors;
    for (int i = firstEndingAfter(offsetSector); i < count; i++) {
      long w0 = word0(i);
      long w1 = word1(i);
      long from = Math.max(offsetSector, Segment.offset(w0));
      if (from >= end) {
        break;
      }
      int length = (int) (Math.min(end, Segment.end(w0)) - from);
      long data = Segment.moffset(Segment.advance(w1, from - Segment.offset(w0)));
      if (!visitor.segment(from, length, data, Segment.zeroed(w1), Segment.tag(w1))) {
        return false;
      }
    }
    return true;
  }

  /** Visits every segment. */
  public boolean forEach(Visitor visitor) throws IOException {
    return forEach(0, Segment.INVALID_OFFSET + Segment.MAX_LENGTH, visitor);
  }

  /**
   * One index for a stack: for each sector the topmost layer with any record wins. The records of
   * {@code topFirst.get(i)} get tag i.
   *
   * @throws IOException if the result has more than {@link #MAX_RECORDS} records
   */
  static SegmentIndex merge(List<SegmentIndex> topFirst) throws IOException {
    return topFirst.isEmpty() ? EMPTY : merge(topFirst, 0, topFirst.size());
  }

  /** Halves instead of one layer after the other: n records in k layers cost n log k, not n k. */
  private static SegmentIndex merge(List<SegmentIndex> topFirst, int from, int to)
      throws IOException {
    if (to - from == 1) {
      return topFirst.get(from).withTag(from);
    }
    int middle = (from + to) >>> 1;
    return merge(topFirst, from, middle).over(merge(topFirst, middle, to));
  }

  /** This index with every tag set. */
  SegmentIndex withTag(int tag) {
    long[] tagged = new long[2 * count];
    for (int i = 0; i < 2 * count; i += 2) {
      tagged[i] = words[i];
      tagged[i + 1] = Segment.withTag(words[i + 1], tag);
    }
    return new SegmentIndex(tagged, count);
  }

  /** This index on top of {@code lower}; tags stay. */
  SegmentIndex over(SegmentIndex lower) throws IOException {
    var out = new SegmentIndexBuilder(MAX_RECORDS, count + (long) lower.count);
    int upper = 0;
    for (int i = 0; i < lower.count; i++) {
      long from = Segment.offset(lower.word0(i));
      long end = Segment.end(lower.word0(i));
      long w1 = lower.word1(i);
      while (from < end) {
        while (upper < count && Segment.end(word0(upper)) <= from) {
          out.add(word0(upper), word1(upper));
          upper++;
        }
        long above = upper < count ? Segment.offset(word0(upper)) : Long.MAX_VALUE;
        if (above > from) {
          long stop = Math.min(end, above);
          out.add(Segment.clip(from, stop), w1);
        }
        // What the upper record covers is skipped; without overlap this ends the record.
        long next = above < end ? Math.min(end, Segment.end(word0(upper))) : end;
        w1 = Segment.advance(w1, next - from);
        from = next;
      }
    }
    for (; upper < count; upper++) {
      out.add(word0(upper), word1(upper));
    }
    return out.build();
  }
}
