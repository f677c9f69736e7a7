package dev.obd.backstore.explain;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Walks over ranges that overlap, from left to right, in pieces within which the set of ranges that
 * cover it stays the same.
 */
final class Sweep {
  /** Seconds, and far more than a program makes. */
  private static final long MOST_WORK = 1L << 30;

  /** Takes one piece, with the numbers of the ranges of each kind that cover it. */
  @FunctionalInterface
  interface Visitor {
    void piece(long offset, long end, List<List<Integer>> covering);
  }

  /** Ranges of one kind; the number of a range is its place. */
  static final class Ranges {
    private long[] offsets = new long[16];
    private long[] ends = new long[16];
    private int size;

    void add(long offset, long end) {
      if (size == offsets.length) {
        offsets = Arrays.copyOf(offsets, 2 * size);
        ends = Arrays.copyOf(ends, 2 * size);
      }
      offsets[size] = offset;
      ends[size] = end;
      size++;
    }
  }

  private Sweep() {}

  /**
   * Visits every piece that at least one range of the first kind covers.
   *
   * @throws UncheckedIOException if so many ranges overlap that it would take too long
   */
  static void over(List<Ranges> kinds, Visitor visitor) {
    over(kinds, MOST_WORK, visitor);
  }

  /** As above; {@code most} steps. */
  static void over(List<Ranges> kinds, long most, Visitor visitor) {
    long[] bounds = bounds(kinds);
    long work = 0;
    int[][] order = new int[kinds.size()][];
    int[] next = new int[kinds.size()];
    List<List<Integer>> active = new ArrayList<>();
    for (int k = 0; k < order.length; k++) {
      Ranges ranges = kinds.get(k);
      order[k] = byOffset(ranges);
      active.add(new ArrayList<>());
    }
    for (int i = 0; i + 1 < bounds.length; i++) {
      long at = bounds[i];
      for (int k = 0; k < order.length; k++) {
        Ranges ranges = kinds.get(k);
        List<Integer> covering = active.get(k);
        covering.removeIf(number -> ranges.ends[number] <= at);
        while (next[k] < order[k].length && ranges.offsets[order[k][next[k]]] <= at) {
          int number = order[k][next[k]++];
          if (ranges.ends[number] > at) {
            covering.add(number);
          }
        }
      }
      // A visitor compares those of the first kind with all.
      long covering = active.stream().mapToLong(List::size).sum();
      work += covering * (1 + active.getFirst().size());
      if (work > most) {
        throw new UncheckedIOException(
            new IOException(
                "too many overlapping requests: expected at most %d steps to compare them, got more at byte %d, where %d requests and reads overlap"
                    .formatted(most, at, covering)));
      }
      if (!active.getFirst().isEmpty()) {
        visitor.piece(at, bounds[i + 1], active);
      }
    }
  }

  private static long[] bounds(List<Ranges> kinds) {
    long[] all = new long[kinds.stream().mapToInt(ranges -> 2 * ranges.size).sum()];
    int n = 0;
    for (Ranges ranges : kinds) {
      System.arraycopy(ranges.offsets, 0, all, n, ranges.size);
      System.arraycopy(ranges.ends, 0, all, n + ranges.size, ranges.size);
      n += 2 * ranges.size;
    }
    return Arrays.stream(all).sorted().distinct().toArray();
  }

  private static int[] byOffset(Ranges ranges) {
    Integer[] numbers = new Integer[ranges.size];
    Arrays.setAll(numbers, i -> i);
    Arrays.sort(numbers, (a, b) -> Long.compare(ranges.offsets[a], ranges.offsets[b]));
    return Arrays.stream(numbers).mapToInt(Integer::intValue).toArray();
  }
}
