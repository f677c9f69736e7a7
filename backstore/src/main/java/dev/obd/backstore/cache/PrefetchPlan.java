package dev.obd.backstore.cache;

import dev.obd.io.Range;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Turns wanted units into few requests. Not thread-safe. */
final class PrefetchPlan {
  private record Request(long firstUnit, long endUnit, int order) {}

  /** A trace may ask for anything; this bounds the memory it gets. */
  private static final int MAX_UNITS = 1 << 20;

  private final int unitBytes;
  private final long room;
  private final long mostUnits;
  private final long gapUnits;

  /** Unit → when it was first wanted. */
  private final TreeMap<Long, Integer> wanted = new TreeMap<>();

  PrefetchPlan(int unitBytes, CacheConfig config) {
    this.unitBytes = unitBytes;
    this.mostUnits = Math.max(1, config.requestBytes() / unitBytes);
    this.gapUnits = config.gapBytes() / unitBytes;
    this.room = Math.min(MAX_UNITS, config.capacityBytes() / unitBytes);
  }

  /** True if more would only push out what this plan fetches first. */
  boolean isFull() {
    return wanted.size() >= room;
  }

  boolean contains(long unit) {
    return wanted.containsKey(unit);
  }

  void add(long unit) {
    wanted.putIfAbsent(unit, wanted.size());
  }

  /** Requests in the order in which their first wanted unit was added, clipped to {@code size}. */
  List<Range> requests(long size) {
    List<Request> merged = new ArrayList<>();
    for (Map.Entry<Long, Integer> next : wanted.entrySet()) {
      long unit = next.getKey();
      Request last = merged.isEmpty() ? null : merged.getLast();
      if (last != null
          && unit - last.endUnit <= gapUnits
          && unit + 1 - last.firstUnit <= mostUnits) {
        merged.set(
            merged.size() - 1,
            new Request(last.firstUnit, unit + 1, Math.min(last.order, next.getValue())));
      } else {
        merged.add(new Request(unit, unit + 1, next.getValue()));
      }
    }
    merged.sort(Comparator.comparingInt(Request::order));
    return merged.stream().map(request -> range(request, size)).toList();
  }

  private Range range(Request request, long size) {
    long from = request.firstUnit * unitBytes;
    long end = Math.min(request.endUnit * unitBytes, size);
    return new Range(from, end - from);
  }
}
