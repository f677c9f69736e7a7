package dev.obd.trace.runs;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Disjoint ranges of one layer. Not thread-safe. */
final class Intervals {
  record Interval(long from, long end) {}

  private final TreeMap<Long, Long> ends = new TreeMap<>();

  /** Adds a range; returns the parts of it that were not there, ascending. */
  List<Interval> add(long from, long end) {
    List<Interval> fresh = new ArrayList<>();
    long at = from;
    long start = from;
    long stop = end;
    Map.Entry<Long, Long> before = ends.floorEntry(from);
    if (before != null && before.getValue() >= from) {
      start = before.getKey();
      at = Math.max(from, before.getValue());
      stop = Math.max(end, before.getValue());
      ends.remove(start);
    }
    Map.Entry<Long, Long> next = ends.ceilingEntry(start);
    while (next != null && next.getKey() <= stop) {
      if (next.getKey() > at) {
        fresh.add(new Interval(at, Math.min(next.getKey(), end)));
      }
      at = Math.max(at, next.getValue());
      stop = Math.max(stop, next.getValue());
      ends.remove(next.getKey());
      next = ends.ceilingEntry(start);
    }
    if (at < end) {
      fresh.add(new Interval(at, end));
    }
    ends.put(start, stop);
    return fresh;
  }
}
