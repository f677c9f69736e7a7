package dev.obd.format.lsmt;

import java.io.IOException;

/**
 * The index of a committed file. Data is copied in steps of 64 sectors; each step is a record, and
 * neighbours are joined while the sum stays below 16383 sectors: so a long run is cut at 16320.
 * Every layer of the original is cut like that, and ours are to be the same bytes.
 */
final class CompactIndex {
  private static final int STEP = 64;
  private static final int JOIN_BELOW = 16383;

  /** The padding counts too, so the last whole page below the limit is the end. */
  static final int MAX_RECORDS =
      SealedLayer.MAX_RECORDS / SealedIndexReader.PAGE_RECORDS * SealedIndexReader.PAGE_RECORDS;

  private final SegmentIndexBuilder out;
  private long nextMoffset = SegmentBounds.FIRST;
  private long w0;
  private long w1;

  /** An index whose data begins after the header. */
  CompactIndex() {
    out = new SegmentIndexBuilder(MAX_RECORDS, 16);
  }

  /** The index of {@code live} once its data is copied in order. */
  static SegmentIndex of(SegmentIndex live) throws IOException {
    var index = new CompactIndex();
    for (int i = 0; i < live.count(); i++) {
      long from = live.word0(i);
      long to = live.word1(i);
      index.add(Segment.offset(from), Segment.length(from), Segment.zeroed(to), Segment.tag(to));
    }
    return index.build();
  }

  /** How many records {@code count} are with their padding: whole pages. */
  static int padded(int count) {
    int page = SealedIndexReader.PAGE_RECORDS;
    return (count + page - 1) / page * page;
  }

  /**
   * Appends what lies next on the disk; its data, if any, comes next in the file.
   *
   * @throws IOException if more records would be needed than a layer may hold
   */
  void add(long offset, long length, boolean zeroed, int tag) throws IOException {
    int most = zeroed ? Segment.MAX_LENGTH : STEP;
    for (long done = 0; done < length; ) {
      long n = Math.min(most, length - done);
      append(offset + done, n, zeroed, tag);
      nextMoffset += zeroed ? 0 : n;
      done += n;
    }
  }

  private void append(long offset, long length, boolean zeroed, int tag) throws IOException {
    boolean joins =
        Segment.length(w0) > 0
            && Segment.end(w0) == offset
            && Segment.zeroed(w1) == zeroed
            && Segment.tag(w1) == tag
            && Segment.moffset(Segment.advance(w1, Segment.length(w0))) == nextMoffset
            && Segment.length(w0) + length < JOIN_BELOW;
    if (joins) {
      w0 = Segment.word0(Segment.offset(w0), Segment.length(w0) + length);
      return;
    }
    flush();
    w0 = Segment.word0(offset, length);
    w1 = Segment.word1(nextMoffset, zeroed, tag);
  }

  private void flush() throws IOException {
    try {
      out.add(w0, w1);
    } catch (IOException e) {
      throw new IOException(
          "the layer's index needs more than "
              + SealedLayer.MAX_RECORDS
              + " records; such a layer cannot be opened",
          e);
    }
  }

  /** What was added; call once. */
  SegmentIndex build() throws IOException {
    flush();
    return out.build();
  }
}
