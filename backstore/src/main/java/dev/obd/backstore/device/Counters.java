package dev.obd.backstore.device;

import dev.obd.io.Latencies;
import dev.obd.io.LatencySnapshot;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Plain adders behind {@link DeviceStats}. The maps are filled once and then only read. */
final class Counters {
  private record PerOp(LongAdder bytes, Latencies latencies) {}

  private final Map<Op, PerOp> ops = new EnumMap<>(Op.class);
  private final Map<Status, LongAdder> failures = new EnumMap<>(Status.class);

  Counters() {
    for (Op op : Op.values()) {
      ops.put(op, new PerOp(new LongAdder(), new Latencies()));
    }
    for (Status status : Status.values()) {
      failures.put(status, new LongAdder());
    }
  }

  /** A request answered without the disk. */
  void refused(Status status) {
    of(failures, status).increment();
  }

  void ended(Op op, long bytes, Status status, long nanos) {
    PerOp counters = of(ops, op);
    counters.latencies.record(nanos);
    if (status == Status.OK) {
      counters.bytes.add(bytes);
    } else {
      of(failures, status).increment();
    }
  }

  private static <K, V> V of(Map<K, V> full, K key) {
    return java.util.Objects.requireNonNull(full.get(key));
  }

  Map<Op, DeviceStats.OpStats> ops() {
    var snapshot = new EnumMap<Op, DeviceStats.OpStats>(Op.class);
    ops.forEach((op, counters) -> {
      LatencySnapshot latency = counters.latencies.snapshot();
      if (latency.count() > 0) {
        snapshot.put(op, new DeviceStats.OpStats(latency.count(), counters.bytes.sum(), latency));
      }
    });
    return snapshot;
  }

  Map<Status, Long> failures() {
    var snapshot = new EnumMap<Status, Long>(Status.class);
    failures.forEach((status, count) -> {
      if (count.sum() > 0) {
        snapshot.put(status, count.sum());
      }
    });
    return snapshot;
  }
}
