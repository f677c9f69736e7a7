package dev.obd.format.lsmt;

import dev.obd.io.ExtentMap.Kind;
import java.util.Arrays;

/**
 * A {@link SegmentIndex} under construction: records may be put anywhere and replace what they
 * cover. Sorted chunks of packed records, so that a put moves a few kilobytes and a record costs
 * its 16 bytes and some slack. Not thread-safe.
 */
final class MutableIndex {
  /** Records per chunk. */
  private static final int CHUNK = 512;

  private long[][] chunks = {new long[2 * CHUNK]};
  private int[] sizes = {0};
  private int chunkCount = 1;
  private int count;
  private final long[] replacement = new long[6];

  int count() {
    return count;
  }

  /** Maps the record's sectors; whatever was mapped there is forgotten. */
  void put(long word0, long word1) {
    if (Segment.length(word0) == 0) {
      return;
    }
    long start = Segment.offset(word0);
    long end = Segment.end(word0);
    int c = chunkOf(start);
    int i = slotOf(c, start);
    if (i == sizes[c] && startsBefore(c + 1, end)) {
      c++;
      i = 0;
    }
    int d = c;
    int j = i;
    for (; ; j++) {
      if (j == sizes[d]) {
        if (!startsBefore(d + 1, end)) {
          break;
        }
        d++;
        j = 0;
      }
      if (Segment.offset(chunks[d][2 * j]) >= end) {
        break;
      }
    }
    int n = 0;
    boolean any = c != d || i != j;
    if (any && Segment.offset(chunks[c][2 * i]) < start) {
      replacement[n++] = Segment.clip(Segment.offset(chunks[c][2 * i]), start);
      replacement[n++] = chunks[c][2 * i + 1];
    }
    replacement[n++] = word0;
    replacement[n++] = word1;
    if (any && Segment.end(chunks[d][2 * j - 2]) > end) {
      long last = chunks[d][2 * j - 2];
      replacement[n++] = Segment.clip(end, Segment.end(last));
      replacement[n++] = Segment.advance(chunks[d][2 * j - 1], end - Segment.offset(last));
    }
    splice(c, i, d, j, n / 2);
  }

  /** Says in {@code at} what {@code sector} maps to, and for how many sectors from there. */
  void find(long sector, Extent at) {
    int c = chunkOf(sector);
    int i = slotOf(c, sector);
    if (i == sizes[c]) {
      c++;
      i = 0;
    }
    if (c == chunkCount || i == sizes[c]) {
      at.set(Kind.HOLE, Long.MAX_VALUE >> 10, 0);
      return;
    }
    long w0 = chunks[c][2 * i];
    long w1 = chunks[c][2 * i + 1];
    long offset = Segment.offset(w0);
    if (offset > sector) {
      at.set(Kind.HOLE, offset - sector, 0);
    } else {
      at.set(
          Segment.zeroed(w1) ? Kind.ZERO : Kind.DATA,
          Segment.end(w0) - sector,
          Segment.moffset(Segment.advance(w1, sector - offset)));
    }
  }

  /** A copy that does not change any more. */
  SegmentIndex toIndex() {
    long[] words = new long[2 * count];
    int at = 0;
    for (int c = 0; c < chunkCount; c++) {
      System.arraycopy(chunks[c], 0, words, at, 2 * sizes[c]);
      at += 2 * sizes[c];
    }
    return new SegmentIndex(words, count);
  }

  private boolean startsBefore(int chunk, long sector) {
    return chunk < chunkCount && Segment.offset(chunks[chunk][0]) < sector;
  }

  /** The last chunk that starts at or before {@code sector}, or the first one. */
  private int chunkOf(long sector) {
    int low = 0;
    int high = chunkCount - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (Segment.offset(chunks[middle][0]) <= sector) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /**
   * The first record of {@code chunk} that ends after {@code sector}; its size if there is none.
   */
  private int slotOf(int chunk, long sector) {
    long[] records = chunks[chunk];
    int low = 0;
    int high = sizes[chunk];
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Segment.end(records[2 * middle]) > sector) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /** Puts {@code n} records of {@link #replacement} in the place of those from (c, i) to (d, j). */
  private void splice(int c, int i, int d, int j, int n) {
    int tail = sizes[d] - j;
    int total = i + n + tail;
    int removed = -i - tail;
    for (int k = c; k <= d; k++) {
      removed += sizes[k];
    }
    count += n - removed;
    if (c == d && total <= CHUNK) {
      System.arraycopy(chunks[c], 2 * j, chunks[c], 2 * (i + n), 2 * tail);
      System.arraycopy(replacement, 0, chunks[c], 2 * i, 2 * n);
      sizes[c] = total;
      return;
    }
    long[] all = new long[2 * total];
    System.arraycopy(chunks[c], 0, all, 0, 2 * i);
    System.arraycopy(replacement, 0, all, 2 * i, 2 * n);
    System.arraycopy(chunks[d], 2 * j, all, 2 * (i + n), 2 * tail);
    int pieces = (total + CHUNK - 1) / CHUNK;
    replaceChunks(c, d, pieces);
    for (int k = 0; k < pieces; k++) {
      int from = (int) ((long) total * k / pieces);
      int to = (int) ((long) total * (k + 1) / pieces);
      chunks[c + k] = new long[2 * CHUNK];
      System.arraycopy(all, 2 * from, chunks[c + k], 0, 2 * (to - from));
      sizes[c + k] = to - from;
    }
  }

  /** Makes room for {@code pieces} chunks where c..d were. */
  private void replaceChunks(int c, int d, int pieces) {
    int newCount = chunkCount - (d - c + 1) + pieces;
    if (newCount > chunks.length) {
      int capacity = newCount + newCount / 2;
      chunks = Arrays.copyOf(chunks, capacity);
      sizes = Arrays.copyOf(sizes, capacity);
    }
    System.arraycopy(chunks, d + 1, chunks, c + pieces, chunkCount - d - 1);
    System.arraycopy(sizes, d + 1, sizes, c + pieces, chunkCount - d - 1);
    for (int k = newCount; k < chunkCount; k++) {
      chunks[k] = NONE;
    }
    chunkCount = newCount;
  }

  private static final long[] NONE = new long[0];
}
