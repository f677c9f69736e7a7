package dev.obd.cli.daemon;

import dev.obd.backstore.audit.AuditLog;
import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.cache.CacheEvents;
import dev.obd.backstore.config.ServiceConfig;
import dev.obd.backstore.download.BusyDirectories;
import dev.obd.backstore.download.DownloadContext;
import dev.obd.backstore.image.ImageOpener;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.image.Links;
import dev.obd.backstore.metrics.Metrics;
import dev.obd.backstore.prefetch.LocalRuns;
import dev.obd.backstore.source.Pace;
import dev.obd.backstore.source.PrefetchCeilings;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.backstore.store.ImageStore;
import dev.obd.io.Ticker;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.client.Repositories;
import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What a daemon opens images with. All its threads are platform threads: a read that answers the
 * kernel may wait for a fetch that a replay has begun, and a virtual thread's carrier may be stuck
 * in a system call that waits for that very answer. Close it last.
 */
final class Engine implements Closeable {
  private static final long FREE_RESERVE = 1L << 30;

  private final Repositories repositories;
  private final BlobCache cache;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(Thread.ofPlatform().name("obd-", 0).daemon().factory());
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("obd-timer").daemon().factory());
  private final Links links;
  private final ImageStore images;
  private final ImagePlans plans;
  private final ImageOpener opener;

  Engine(DaemonOptions options, Metrics metrics, Optional<AuditLog> audit) throws IOException {
    ServiceConfig config = options.config();
    int most = config.own().requestsPerSecond();
    Pace pace = most == 0 ? Pace.ADAPTIVE : Pace.of(most, Math.max(1, most / 10));
    var ceilings = new PrefetchCeilings(config.own().prefetch());
    metrics.addPrefetch(ceilings);
    this.links =
        new Links(link ->
            new SlotScheduler(link, SlotScheduler.Limits.DEFAULT, pace, ceilings, Ticker.SYSTEM));
    this.repositories =
        new Repositories(RegistrySettings.of(config, options.version(), System.getenv()));
    this.cache =
        BlobCache.open(
            cache(config),
            Ticker.SYSTEM,
            audit.map(CacheEvents.class::cast).orElse(CacheEvents.NONE));
    this.images =
        new ImageStore(
            options.home().store(),
            repositories,
            RegistryClock.SYSTEM,
            options.platform(),
            threads);
    this.plans =
        new ImagePlans(images, repositories).withLocalRuns(new LocalRuns(options.home().traces()));
    this.opener =
        new ImageOpener(cache, links, new Recorders(metrics, audit), threads, timer, Ticker.SYSTEM)
            .withDownloads(
                new DownloadContext(
                    threads,
                    Ticker.SYSTEM,
                    () -> ThreadLocalRandom.current().nextDouble(),
                    new BusyDirectories(),
                    FREE_RESERVE));
    metrics.addCache(cache);
    metrics.addLinks(repositories.requests(), links::all);
  }

  private static CacheConfig cache(ServiceConfig config) {
    return CacheConfig.in(config.cache().directory())
        .withRefill(config.cache().refillBytes())
        .withCapacity(config.cache().capacityBytes())
        .withExpand(config.own().expandPrefetch());
  }

  Repositories repositories() {
    return repositories;
  }

  BlobCache cache() {
    return cache;
  }

  Links links() {
    return links;
  }

  ImageStore images() {
    return images;
  }

  ImagePlans plans() {
    return plans;
  }

  ImageOpener opener() {
    return opener;
  }

  ExecutorService threads() {
    return threads;
  }

  ScheduledExecutorService timer() {
    return timer;
  }

  @Override
  public void close() throws IOException {
    threads.shutdown();
    timer.shutdown();
    try (repositories;
        cache) {
      // closed in reverse order: the cache before the connections it fetches over
    }
  }
}
