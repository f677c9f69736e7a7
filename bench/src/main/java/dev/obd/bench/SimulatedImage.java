package dev.obd.bench;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImageOpener;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.LayerOrigin;
import dev.obd.backstore.image.Links;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.format.zfile.ZFileWriter;
import dev.obd.format.zfile.ZFileWriterOptions;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSink;
import dev.obd.io.Ticker;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.client.Repositories;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.Profile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.Stream;

/**
 * An image of random content in a simulated registry, and machines that open it: each has a cache
 * of its own, empty at first.
 */
final class SimulatedImage implements Closeable {
  final FaultyRegistry registry;
  final int diskBytes;
  private final Path directory;
  private final List<Descriptor> layers = new ArrayList<>();
  private final Repositories repositories = new Repositories(RegistryOptions.defaults());
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
  private int machines;

  /** Every layer has its own part of the disk; the registry answers at once so far. */
  SimulatedImage(int layerCount, int layerBytes) throws IOException {
    directory = Files.createTempDirectory("obd-bench-");
    registry = FaultyRegistry.start();
    diskBytes = layerCount * layerBytes;
    for (int i = 0; i < layerCount; i++) {
      byte[] disk = new byte[diskBytes];
      var random = new SplittableRandom(i);
      for (int at = i * layerBytes; at < (i + 1) * layerBytes; at++) {
        disk[at] = (byte) random.nextInt(256);
      }
      Path file = directory.resolve("layer-" + i);
      try (ZFileWriter out =
          ZFileWriter.open(
              FileSink.create(file), ZFileWriterOptions.DEFAULT.withOverwriteHeader(true))) {
        RawLayerWriter.write(
            BlockSources.ofBytes("disk", ByteBuffer.wrap(disk)),
            Optional.empty(),
            ImportOptions.NONE,
            out,
            done -> {});
        out.finish();
      }
      String digest = registry.putBlob("app", file);
      layers.add(new Descriptor(MediaTypes.OCI_LAYER, new Digest(digest), Files.size(file)));
    }
  }

  long layerBytes() {
    return layers.stream().mapToLong(Descriptor::size).sum();
  }

  /** From now on the registry is behind this link, and has counted nothing. */
  void behind(Profile profile) {
    registry.profile(profile);
    registry.clearLog();
  }

  /** A machine that has nothing of the image yet. */
  Machine machine() {
    CacheConfig config = CacheConfig.in(directory.resolve("cache-" + machines++));
    return new Machine(BlobCache.open(config, Ticker.SYSTEM));
  }

  final class Machine implements Closeable {
    private final BlobCache cache;
    private final ImageOpener opener;

    private Machine(BlobCache cache) {
      this.cache = cache;
      var links =
          new Links(link -> new SlotScheduler(link, SlotScheduler.Limits.DEFAULT, Ticker.SYSTEM));
      this.opener = new ImageOpener(cache, links, executor, scheduler, Ticker.SYSTEM);
    }

    Image open() throws IOException {
      var blobs = repositories.blobs("http://" + registry.host() + "/v2/app/blobs");
      List<LayerOrigin> origins =
          layers.stream().map(l -> LayerOrigin.remote(blobs, l, registry.host())).toList();
      var plan = new ImagePlan("bench", origins, new TraceUse.None(), Optional.empty());
      return opener.open(plan, OpenOptions.DEFAULTS);
    }

    @Override
    public void close() throws IOException {
      cache.close();
    }
  }

  ExecutorService executor() {
    return executor;
  }

  @Override
  public void close() throws IOException {
    executor.close();
    scheduler.shutdown();
    repositories.close();
    registry.close();
    List<Path> all;
    try (Stream<Path> files = Files.walk(directory)) {
      all = new ArrayList<>(files.toList());
    }
    for (Path path : all.reversed()) {
      Files.delete(path);
    }
  }
}
