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
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.format.zfile.ZFileWriter;
import dev.obd.format.zfile.ZFileWriterOptions;
import dev.obd.io.FileSink;
import dev.obd.io.Range;
import dev.obd.io.Ticker;
import dev.obd.registry.BlobStore;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.RemoteBlob;
import dev.obd.registry.client.Repositories;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.Profile;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
  final long diskBytes;
  private final Path directory;
  private final List<Descriptor> layers = new ArrayList<>();
  private final Repositories repositories = new Repositories(RegistryOptions.defaults());
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
  private int machines;

  /** Every layer has its own part of the disk; the registry answers at once so far. */
  static SimulatedImage of(int layerCount, int layerBytes) throws IOException {
    long disk = (long) layerCount * layerBytes;
    List<SyntheticDisk> layers = new ArrayList<>();
    for (long i = 0; i < layerCount; i++) {
      var part = new Range(i * layerBytes, layerBytes);
      layers.add(new SyntheticDisk(disk, List.of(part), SyntheticDisk.RANDOM));
    }
    return new SimulatedImage(layers);
  }

  /**
   * Of these layers, the lowest first; the registry answers at once so far.
   *
   * @param disks of the same size
   */
  SimulatedImage(List<SyntheticDisk> disks) throws IOException {
    directory = Files.createTempDirectory("obd-bench-");
    registry = FaultyRegistry.start();
    diskBytes = disks.getFirst().size();
    for (SyntheticDisk disk : disks) {
      Path file = directory.resolve("layer-" + layers.size());
      try (ZFileWriter out =
          ZFileWriter.open(
              FileSink.create(file), ZFileWriterOptions.DEFAULT.withOverwriteHeader(true))) {
        RawLayerWriter.write(disk, Optional.empty(), ImportOptions.NONE, out, done -> {});
        out.finish();
      }
      String digest = registry.putBlob("app", file);
      layers.add(new Descriptor(MediaTypes.OCI_LAYER, new Digest(digest), Files.size(file)));
    }
  }

  /** Where the layers' blobs are. */
  private BlobStore blobs() {
    return repositories.blobs("http://" + registry.host() + "/v2/app/blobs");
  }

  /** Keeps a trace beside the layers; a machine that uses it fetches it from there. */
  TraceUse put(Trace trace) throws IOException {
    byte[] content = TraceFile.encode(trace);
    Path file = Files.write(directory.resolve("trace"), content);
    var blob =
        new Descriptor(
            MediaTypes.OCI_LAYER, new Digest(registry.putBlob("app", file)), content.length);
    return new TraceUse.Replay(() -> {
      ByteBuffer bytes = ByteBuffer.allocate(content.length);
      try (RemoteBlob remote = blobs().open(blob)) {
        remote.read(0, bytes, Duration.ofSeconds(60));
      }
      return Recordings.of(TraceFile.decode("trace", bytes.flip()));
    });
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
      return open(new TraceUse.None(), OpenOptions.DEFAULTS);
    }

    Image open(TraceUse trace, OpenOptions options) throws IOException {
      List<LayerOrigin> origins =
          layers.stream().map(l -> LayerOrigin.remote(blobs(), l, registry.host())).toList();
      return opener.open(new ImagePlan("bench", origins, trace, Optional.empty()), options);
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
