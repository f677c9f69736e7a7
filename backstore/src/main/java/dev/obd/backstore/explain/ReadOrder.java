package dev.obd.backstore.explain;

import dev.obd.backstore.startlog.StartEvent;
import dev.obd.backstore.startlog.StartEvent.Kind;
import dev.obd.backstore.startlog.StartLog;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What is read first, in pieces of 4 KiB in the order in which they are read first. */
public final class ReadOrder {
  /** How much one piece is. */
  public static final long CELL = 4096;

  private static final int MOST_CELLS = 8 << 20;

  /** A piece: of the disk if {@code layer} is -1. */
  public record Cell(int layer, long number) {}

  /**
   * What became of one order in another.
   *
   * @param common bytes in both
   * @param added bytes in the other only
   * @param removed bytes in the one only
   * @param moved bytes of the common ones that come at another place among them: the fewest that
   *     would have to be moved to make the one order the other
   */
  public record Change(long common, long added, long removed, long moved) {}

  private final Map<Cell, Integer> places = new LinkedHashMap<>();

  private ReadOrder() {}

  /** Of the disk. */
  public static ReadOrder of(StartLog log) {
    var order = new ReadOrder();
    log.events().stream()
        .filter(event -> event.kind() == Kind.DISK)
        .sorted(Comparator.comparingLong(StartEvent::beginMicros))
        .forEach(event -> order.add(-1, event.offset(), event.length()));
    return order;
  }

  /** Of the layers. */
  public static ReadOrder of(Trace trace) {
    var order = new ReadOrder();
    for (Access access : trace) {
      order.add(access.layer(), access.offset(), access.length());
    }
    return order;
  }

  private void add(int layer, long offset, long length) {
    long first = offset / CELL;
    long last = (offset + Math.max(1, length) - 1) / CELL;
    if (last - first > MOST_CELLS - places.size()) {
      throw new IllegalArgumentException(
          "too much to compare: more than " + MOST_CELLS * CELL + " bytes are read");
    }
    for (long cell = first; length > 0 && cell <= last; cell++) {
      places.putIfAbsent(new Cell(layer, cell), places.size());
    }
  }

  /** From this one to {@code other}. */
  public Change to(ReadOrder other) {
    int[] common =
        places.entrySet().stream()
            .map(Map.Entry::getKey)
            .filter(other.places::containsKey)
            .mapToInt(other.places::get)
            .toArray();
    return new Change(
        common.length * CELL,
        (other.places.size() - common.length) * CELL,
        (places.size() - common.length) * CELL,
        (common.length - longestRising(common)) * CELL);
  }

  /** Bytes that {@code other} has and this one lacks, by a name of each, the most first. */
  public List<Map.Entry<String, Long>> addedBy(ReadOrder other, Function<Cell, String> name) {
    Map<String, Long> bytes = new LinkedHashMap<>();
    other.places.keySet().stream()
        .filter(cell -> !places.containsKey(cell))
        .forEach(cell -> bytes.merge(name.apply(cell), CELL, Long::sum));
    return bytes.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .toList();
  }

  private static int longestRising(int[] numbers) {
    int[] ends = new int[numbers.length]; // the smallest last number of a rising row of each length
    int longest = 0;
    for (int number : numbers) {
      int at = Arrays.binarySearch(ends, 0, longest, number);
      at = at < 0 ? -at - 1 : at;
      ends[at] = number;
      longest = Math.max(longest, at + 1);
    }
    return longest;
  }
}
