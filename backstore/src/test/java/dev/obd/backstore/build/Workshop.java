package dev.obd.backstore.build;

import dev.obd.backstore.build.ImageBuilder.BaseImage;
import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImageOpener;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.image.Links;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.backstore.store.ImageStore;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.io.BlockSources;
import dev.obd.io.Ticker;
import dev.obd.registry.Manifest;
import dev.obd.registry.Platform;
import dev.obd.registry.Progress;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.client.Repositories;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.trace.Trace;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** Makes and opens images of a layout in a directory, for tests. */
final class Workshop implements Closeable {
  static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

  private final Path dir;
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
  private final Repositories repositories;
  private final BlobCache cache;
  final ImageStore images;
  final ImagePlans plans;
  final ImageOpener opener;
  final ImageBuilder builder;

  Workshop(Path dir) throws IOException {
    this.dir = dir;
    repositories = new Repositories(RegistryOptions.defaults());
    Platform platform = new Platform("linux", "amd64", Optional.empty());
    images =
        new ImageStore(
            dir.resolve("store"), repositories, RegistryClock.SYSTEM, platform, executor);
    plans = new ImagePlans(images, repositories);
    cache = BlobCache.open(CacheConfig.in(dir.resolve("cache")).withFreeReserve(0), Ticker.SYSTEM);
    Links links =
        new Links(link -> new SlotScheduler(link, SlotScheduler.Limits.DEFAULT, Ticker.SYSTEM));
    opener = new ImageOpener(cache, links, executor, scheduler, Ticker.SYSTEM);
    builder = new ImageBuilder(images, dir.resolve("tmp"), platform);
  }

  ImageStore.Target target(String tag) throws IOException {
    return images.target(name(tag));
  }

  private String name(String tag) {
    return "oci:" + dir.resolve("images") + ":" + tag;
  }

  LoadedImage load(String tag) throws IOException {
    return images.load(name(tag));
  }

  Image open(String tag) throws IOException {
    return opener.open(plans.plan(load(tag)), OpenOptions.DEFAULTS);
  }

  /** Saves a disk as an image, on another one if {@code base} is not empty. */
  LoadedImage importDisk(String tag, byte[] disk, String base) throws IOException {
    var raw = BlockSources.ofBytes("raw", ByteBuffer.wrap(disk));
    if (base.isEmpty()) {
      importDisk(tag, raw, Optional.empty());
    } else {
      try (Image below = open(base)) {
        importDisk(tag, raw, Optional.of(new BaseImage(load(base), below)));
      }
    }
    return load(tag);
  }

  private void importDisk(String tag, dev.obd.io.BlockSource raw, Optional<BaseImage> base)
      throws IOException {
    builder.importDisk(raw, base, target(tag), PackOptions.DEFAULTS, "test", Progress.NONE);
  }

  ImageBuilder.Hot hot(String base, String tag, Trace trace, boolean replace) throws IOException {
    try (Image disk = open(base)) {
      return builder.addHotLayer(
          new BaseImage(load(base), disk), trace, replace, target(tag), PackOptions.DEFAULTS, NOW);
    }
  }

  /** Saves {@code base} with another manifest. */
  void save(String base, String tag, Manifest manifest) throws IOException {
    LoadedImage from = load(base);
    byte[] config = from.config().toBytes();
    images.save(
        target(tag), Optional.of(from), manifest, config, java.util.Map.of(), Progress.NONE);
  }

  /** Every byte of the image's disk. */
  byte[] read(String tag) throws IOException {
    try (Image image = open(tag)) {
      return read(image);
    }
  }

  static byte[] read(Image image) throws IOException {
    ByteBuffer all = ByteBuffer.allocate(Math.toIntExact(image.size()));
    image.read(0, all);
    return all.array();
  }

  @Override
  public void close() throws IOException {
    scheduler.shutdownNow();
    executor.close();
    cache.close();
    repositories.close();
  }
}
