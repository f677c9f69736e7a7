package dev.obd.backstore.cache;

import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which units of a blob are being fetched: one fetch per unit at a time. Thread-safe. */
final class Loads {
  /**
   * A fetch that covers a unit.
   *
   * @param mine true if the caller has to run it, false if it is another's to wait for
   */
  record Claim(Load load, boolean mine) {}

  private final long size;
  private final int unitBytes;
  private final Map<Long, Load> byUnit = new HashMap<>(); // guarded by this
  private final List<Range> streams = new ArrayList<>(); // guarded by this

  /**
   * @param size of the object
   */
  Loads(long size, int unitBytes) {
    this.size = size;
    this.unitBytes = unitBytes;
  }

  /**
   * The fetch that covers {@code unit}; a new one takes up to {@code most} units from there, of
   * which {@code wanted} are asked for.
   */
  Claim claim(long unit, long most, long wanted, ReadContext context) {
    return claim(unit, unit, most, wanted, context);
  }

  /**
   * As above; a new one begins as early as {@code earliest}.
   *
   * @param most units from {@code unit}
   */
  synchronized Claim claim(long earliest, long unit, long most, long wanted, ReadContext context) {
    Load underway = byUnit.get(unit);
    if (underway != null) {
      return new Claim(underway, false);
    }
    long first = unit;
    while (first > earliest && !byUnit.containsKey(first - 1)) {
      first--;
    }
    long end = unit + 1;
    while (end < unit + most && !byUnit.containsKey(end)) {
      end++;
    }
    long from = first * unitBytes;
    var range = new Range(from, Math.min(end * unitBytes, size) - from);
    long wantedEnd = Math.min(end, unit + wanted);
    Load load = new Load(first, end - first, unit, wantedEnd, range, context);
    for (long u = first; u < end; u++) {
      byUnit.put(u, load);
    }
    return new Claim(load, true);
  }

  /** The fetch that covers {@code unit}, if there is one. */
  synchronized @Nullable Load of(long unit) {
    return byUnit.get(unit);
  }

  synchronized boolean covers(long unit) {
    return byUnit.containsKey(unit);
  }

  /** Nobody joins this fetch any more. */
  synchronized void remove(Load load) {
    for (long u = load.firstUnit(); u < load.firstUnit() + load.units(); u++) {
      byUnit.remove(u, load);
    }
  }

  /** Nobody joins those fetches of these units any more that are under way; each asks anew. */
  synchronized void abandon(long firstUnit, long endUnit) {
    for (long unit = firstUnit; unit < endUnit; unit++) {
      Load load = byUnit.get(unit);
      if (load != null) {
        remove(load);
      }
    }
  }

  /** True if no other stream brings any of {@code range}; then this one does until it ends. */
  synchronized boolean beginStream(Range range) {
    return streams.stream().noneMatch(s -> s.offset() < range.end() && range.offset() < s.end())
        && streams.add(range);
  }

  synchronized void endStream(Range range) {
    streams.remove(range);
    notifyAll();
  }

  /** Waits until a stream ends, no longer than {@code millis}, or less. */
  @SuppressWarnings("WaitNotInLoop") // the caller looks again, and whether it is wanted still
  synchronized void awaitStreamEnd(long millis) throws InterruptedException {
    wait(millis);
  }

  /** True if others join this fetch. */
  synchronized boolean holds(Load load) {
    return byUnit.get(load.firstUnit()) == load;
  }

  /** Nobody joins a fetch of these units any more, and what they bring is not kept. */
  synchronized void distrust(long firstUnit, long lastUnit) {
    if (byUnit.isEmpty()) {
      return;
    }
    byUnit.values().stream()
        .filter(l -> l.firstUnit() <= lastUnit && l.firstUnit() + l.units() > firstUnit)
        .distinct()
        .toList()
        .forEach(load -> {
          load.distrust();
          remove(load);
        });
  }
}
