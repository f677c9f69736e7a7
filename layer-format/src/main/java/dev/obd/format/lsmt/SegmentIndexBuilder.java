package dev.obd.format.lsmt;

import java.io.IOException;
import java.util.Arrays;

/** Collects records in address order. Bounded. Not thread-safe. */
final class SegmentIndexBuilder {
  private final int limit;
  private long[] words;
  private int count;

  /**
   * @param limit the most records to take
   * @param expected how many will probably come; only reserves memory
   */
  SegmentIndexBuilder(int limit, long expected) {
    this.limit = limit;
    this.words = new long[2 * (int) Math.min(limit, Math.max(16, expected))];
  }

  int count() {
    return count;
  }

  /** Appends a record; records of length 0 say nothing and are left out. */
  void add(long word0, long word1) throws IOException {
    if (Segment.length(word0) == 0) {
      return;
    }
    if (count == limit) {
      throw new IOException("index: more than " + limit + " records");
    }
    if (2 * count == words.length) {
      int room = (int) Math.min(limit, count + count / 2L + 16);
      words = Arrays.copyOf(words, 2 * room);
    }
    words[2 * count] = word0;
    words[2 * count + 1] = word1;
    count++;
  }

  /** What was added; call once. */
  SegmentIndex build() {
    // Slack of a third is given back, less is not worth the copy.
    long[] fitting = words.length > 3L * count ? Arrays.copyOf(words, 2 * count) : words;
    return new SegmentIndex(fitting, count);
  }
}
