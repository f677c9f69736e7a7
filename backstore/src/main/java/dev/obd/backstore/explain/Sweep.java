package dev.obd.backstore.explain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Walks over ranges that overlap, from left to right, in pieces within which the set of ranges that
 * cover it stays the same.
 */
final class Sweep {
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

  /** Visits every piece that at least one range of the first kind covers. */
  static void over(List<Ranges> kinds, Visitor visitor) {
    long[] bounds = bounds(kinds);
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
