package dev.obd.backstore.cache;

import dev.obd.io.ReadContext;
import java.util.HashMap;
import java.util.Map;

/** Which units of a blob are being fetched: one fetch per unit at a time. Thread-safe. */
final class Loads {
  /**
   * A fetch that covers a unit.
   *
   * @param mine true if the caller has to run it, false if it is another's to wait for
   */
  record Claim(Load load, boolean mine) {}

  private final Map<Long, Load> byUnit = new HashMap<>(); // guarded by this

  /** The fetch that covers {@code unit}; a new one takes up to {@code most} units from there. */
  synchronized Claim claim(long unit, long most, ReadContext context) {
    Load underway = byUnit.get(unit);
    if (underway != null) {
      return new Claim(underway, false);
    }
    long units = 1;
    while (units < most && !byUnit.containsKey(unit + units)) {
      units++;
    }
    Load load = new Load(unit, units, context);
    for (long u = unit; u < unit + units; u++) {
      byUnit.put(u, load);
    }
    return new Claim(load, true);
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
