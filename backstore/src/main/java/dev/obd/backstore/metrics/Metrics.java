package dev.obd.backstore.metrics;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.source.FetchScheduler;
import dev.obd.backstore.source.PrefetchCeilings;
import dev.obd.backstore.source.ReadRecorder;
import dev.obd.io.Ticker;
import dev.obd.registry.http.RequestCounts;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.Closeable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/**
 * All numbers of a process. Parts are added when it is put together, and asked for theirs each time
 * somebody asks. Thread-safe.
 */
public final class Metrics implements Closeable {
  private static final String FORMAT = "text/plain; version=0.0.4";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics collector = new JvmGcMetrics();
  private final List<Source> sources = new CopyOnWriteArrayList<>();
  private final OverlaybdMetrics overlaybd;

  /**
   * The JVM's numbers, and overlaybd's.
   *
   * @param version of obd
   * @param host this machine's name
   */
  public Metrics(String version, String host, Ticker ticker) {
    overlaybd = new OverlaybdMetrics(host, ticker);
    sources.add(overlaybd);
    sources.add(
        f -> f.gauge("obd_build_info", "1, labelled with the version.", 1, "version", version));
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    collector.bindTo(registry);
    registry
        .getPrometheusRegistry()
        .register(
            new MultiCollector() {
              @Override
              public MetricSnapshots collect() {
                return ours();
              }
            });
  }

  private MetricSnapshots ours() {
    var families = new Families();
    sources.forEach(source -> source.addTo(families));
    return families.build();
  }

  /** Is to be told of reads through the cache. */
  public ReadRecorder pread() {
    return overlaybd.pread();
  }

  /** Is to be told of reads from registries. */
  public ReadRecorder download() {
    return overlaybd.download();
  }

  /** Adds the devices that {@code devices} knows whenever somebody asks. */
  public void addDevices(Supplier<List<DeviceSample>> devices) {
    sources.add(new DeviceMetrics(devices));
  }

  /** Adds a cache. */
  public void addCache(BlobCache cache) {
    sources.add(new CacheMetrics(cache));
  }

  /** Adds the registries that are spoken to. */
  public void addLinks(RequestCounts requests, Supplier<Map<String, FetchScheduler>> links) {
    sources.add(new LinkMetrics(requests, links));
  }

  /** Adds what is fetched ahead. */
  public void addPrefetch(PrefetchCeilings ceilings) {
    sources.add(new PrefetchMetrics(ceilings));
  }

  /** The numbers now, in Prometheus' text format 0.0.4. */
  public String text() {
    return registry.scrape(FORMAT);
  }

  @Override
  public void close() {
    collector.close();
    registry.close();
  }
}
