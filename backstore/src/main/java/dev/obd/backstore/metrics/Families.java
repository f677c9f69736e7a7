package dev.obd.backstore.metrics;

import dev.obd.io.LatencySnapshot;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Metric families being put together for one answer. The first value of a family describes it. Not
 * thread-safe.
 */
final class Families {
  /** Bounds of the histograms, as powers of two of nanoseconds: 8 µs, times 4, up to 137 s. */
  private static final int FIRST_BOUND = 13;

  private static final int LAST_BOUND = 37;
  private static final int BOUND_STEP = 2;
  private static final double NANOS = 1e9;

  private record Family<P>(String help, Map<Labels, P> points) {}

  private final Map<String, Family<CounterDataPointSnapshot>> counters = new LinkedHashMap<>();
  private final Map<String, Family<GaugeDataPointSnapshot>> gauges = new LinkedHashMap<>();
  private final Map<String, Family<HistogramDataPointSnapshot>> histograms = new LinkedHashMap<>();

  /** A number that only grows; {@code _total} is added to the name. */
  void counter(String name, String help, long value, String... labels) {
    add(name, help, (double) value, labels);
  }

  /** A time that only grows, in seconds. */
  void counterSeconds(String name, String help, long nanos, String... labels) {
    add(name, help, nanos / NANOS, labels);
  }

  private void add(String name, String help, double value, String... labels) {
    Labels of = Labels.of(labels);
    points(counters, name, help)
        .merge(
            of,
            new CounterDataPointSnapshot(value, of, null, 0),
            (a, b) -> new CounterDataPointSnapshot(a.getValue() + b.getValue(), of, null, 0));
  }

  /** A number that comes and goes. */
  void gauge(String name, String help, long value, String... labels) {
    Labels of = Labels.of(labels);
    points(gauges, name, help)
        .merge(
            of,
            new GaugeDataPointSnapshot((double) value, of, null),
            (a, b) -> new GaugeDataPointSnapshot(a.getValue() + b.getValue(), of, null));
  }

  /** Durations, in seconds. */
  void histogram(String name, String help, LatencySnapshot latency, String... labels) {
    Labels of = Labels.of(labels);
    var bounds = new ArrayList<Double>();
    var counts = new ArrayList<Long>();
    long before = 0;
    for (int power = FIRST_BOUND; power <= LAST_BOUND; power += BOUND_STEP) {
      long below = latency.below().get(power);
      bounds.add((1L << power) / NANOS);
      counts.add(below - before);
      before = below;
    }
    bounds.add(Double.POSITIVE_INFINITY);
    counts.add(latency.count() - before);
    points(histograms, name, help)
        .merge(
            of,
            new HistogramDataPointSnapshot(
                ClassicHistogramBuckets.of(bounds, counts),
                latency.totalNanos() / NANOS,
                of,
                null,
                0),
            Families::sum);
  }

  private static HistogramDataPointSnapshot sum(
      HistogramDataPointSnapshot a, HistogramDataPointSnapshot b) {
    var bounds = new ArrayList<Double>();
    var counts = new ArrayList<Long>();
    for (int i = 0; i < a.getClassicBuckets().size(); i++) {
      bounds.add(a.getClassicBuckets().getUpperBound(i));
      counts.add(a.getClassicBuckets().getCount(i) + b.getClassicBuckets().getCount(i));
    }
    return new HistogramDataPointSnapshot(
        ClassicHistogramBuckets.of(bounds, counts),
        a.getSum() + b.getSum(),
        a.getLabels(),
        null,
        0);
  }

  private static <P> Map<Labels, P> points(
      Map<String, Family<P>> families, String name, String help) {
    return families.computeIfAbsent(name, _ -> new Family<>(help, new LinkedHashMap<>())).points();
  }

  MetricSnapshots build() {
    List<MetricSnapshot> all = new ArrayList<>();
    counters.forEach((name, family) -> {
      var one = CounterSnapshot.builder().name(name).help(family.help());
      family.points().values().forEach(one::dataPoint);
      all.add(one.build());
    });
    gauges.forEach((name, family) -> {
      var one = GaugeSnapshot.builder().name(name).help(family.help());
      family.points().values().forEach(one::dataPoint);
      all.add(one.build());
    });
    histograms.forEach((name, family) -> {
      var one = HistogramSnapshot.builder().name(name).help(family.help());
      family.points().values().forEach(one::dataPoint);
      all.add(one.build());
    });
    return new MetricSnapshots(all);
  }
}
