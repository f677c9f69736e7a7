package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder;
import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.config.Home;
import dev.obd.backstore.disk.BaseDisks;
import dev.obd.backstore.image.ImageOpener;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.image.Links;
import dev.obd.backstore.prefetch.LocalRuns;
import dev.obd.backstore.preflight.Preflight;
import dev.obd.backstore.source.Pace;
import dev.obd.backstore.source.PrefetchCeilings;
import dev.obd.backstore.source.PrefetchLimits;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.backstore.store.ImageStore;
import dev.obd.io.Ticker;
import dev.obd.registry.Platform;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.auth.CredentialProvider;
import dev.obd.registry.client.Repositories;
import dev.obd.registry.http.RegistryOptions;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * The composition of the process: what commands that open or change images share. Close it last.
 */
final class Session implements Closeable {
  private final Home home;
  private final Repositories repositories;
  private final ImageStore images;
  private final ImagePlans plans;
  private final BlobCache cache;
  private final CacheConfig cacheConfig;
  private final ExecutorService executor;
  private final ScheduledExecutorService scheduler;
  private final ImageOpener opener;
  private final ImageBuilder builder;

  public Session(Home home, RegistryOptions registry, CacheConfig cacheConfig, Platform platform)
      throws IOException {
    this(home, registry, cacheConfig, platform, PrefetchLimits.NONE);
  }

  public Session(
      Home home,
      RegistryOptions registry,
      CacheConfig cacheConfig,
      Platform platform,
      PrefetchLimits prefetch)
      throws IOException {
    var ceilings = new PrefetchCeilings(prefetch);
    this.home = home;
    this.cacheConfig = cacheConfig;
    this.repositories = new Repositories(registry);
    this.executor =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("obd-", 0).factory());
    this.images =
        new ImageStore(home.store(), repositories, RegistryClock.SYSTEM, platform, executor);
    this.plans = new ImagePlans(images, repositories).withLocalRuns(new LocalRuns(home.traces()));
    this.cache = BlobCache.open(cacheConfig, Ticker.SYSTEM);
    this.scheduler =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("obd-timer").daemon().factory());
    this.opener =
        new ImageOpener(
            cache,
            new Links(link ->
                new SlotScheduler(
                    link, SlotScheduler.Limits.DEFAULT, Pace.ADAPTIVE, ceilings, Ticker.SYSTEM)),
            executor,
            scheduler,
            Ticker.SYSTEM);
    this.builder = new ImageBuilder(images, home.temporary(), platform);
  }

  public Home home() {
    return home;
  }

  public ImageStore images() {
    return images;
  }

  public ImagePlans plans() {
    return plans;
  }

  public BlobCache cache() {
    return cache;
  }

  /** What {@code obd doctor} looks at. */
  Preflight.Context preflight(CredentialProvider credentials, Duration patience) {
    return new Preflight.Context(
        images,
        plans,
        opener,
        cache,
        cacheConfig,
        credentials,
        RegistryClock.SYSTEM,
        Ticker.SYSTEM,
        patience,
        executor);
  }

  public BaseDisks disks() {
    return new BaseDisks(home.disks(), InstantSource.system(), Ticker.SYSTEM);
  }

  public ExecutorService executor() {
    return executor;
  }

  public ImageOpener opener() {
    return opener;
  }

  public ImageBuilder builder() {
    return builder;
  }

  @Override
  public void close() throws IOException {
    executor.shutdown();
    scheduler.shutdown();
    try (repositories;
        cache) {
      // closed in reverse order: the cache before the connections it fetches over
    }
  }
}
