package dev.obd.backstore.startlog;

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
import dev.obd.trace.Trace;
import dev.obd.trace.TraceRecorder;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * A program that starts from an image of two layers in a registry behind a link: it reads here and
 * there, and thinks in between. Each start has a cache of its own, empty at first.
 */
public final class LoggedStart implements Closeable {
  private static final int LAYER_BYTES = 12 << 20;
  private static final int DISK_BYTES = 2 * LAYER_BYTES;

  /** A read, and what the program does before it. */
  public record Step(long thinkNanos, long offset, int length) {}

  /** What is behind the link. */
  public final FaultyRegistry registry;

  private final Path directory;
  private final List<Descriptor> layers = new ArrayList<>();
  private final Repositories repositories = new Repositories(RegistryOptions.defaults());
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
  private int starts;

  public LoggedStart(Path directory) throws IOException {
    this.directory = directory;
    registry = FaultyRegistry.start();
    for (int i = 0; i < 2; i++) {
      byte[] disk = new byte[DISK_BYTES];
      var random = new SplittableRandom(i);
      for (int at = i * LAYER_BYTES; at < (i + 1) * LAYER_BYTES; at++) {
        disk[at] = (byte) random.nextInt(16); // half of it remains
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

  /** Runs of neighbouring reads at random places, of which some come again. */
  public static List<Step> program(long seed, int places, Duration think) {
    var random = new SplittableRandom(seed);
    List<Step> steps = new ArrayList<>();
    for (int place = 0; place < places; place++) {
      long at = random.nextLong(DISK_BYTES - (1 << 20)) & -4096;
      for (int i = random.nextInt(1, 6); i > 0; i--) {
        int length = 4096 * random.nextInt(1, 17);
        long nanos = (long) (think.toNanos() * 2 * random.nextDouble());
        steps.add(new Step(nanos, at, length));
        at += length;
      }
    }
    return steps;
  }

  /** What a start of {@code steps} records. */
  public Trace record(List<Step> steps) throws IOException, InterruptedException {
    registry.profile(Profile.INSTANT);
    var recorder = new TraceRecorder();
    recorder.start();
    start(steps, new TraceUse.None(), OpenOptions.DEFAULTS.withRecorder(recorder));
    return recorder.snapshot();
  }

  /** The log of one start over {@code link}. */
  public StartLog run(List<Step> steps, Optional<Trace> replay, Profile link)
      throws IOException, InterruptedException {
    registry.profile(link);
    registry.clearLog();
    Path file = directory.resolve("start-" + starts + ".log");
    TraceUse use =
        replay
            .<TraceUse>map(t -> new TraceUse.Replay(() -> Recordings.of(t)))
            .orElseGet(TraceUse.None::new);
    start(
        steps,
        use,
        OpenOptions.DEFAULTS.withStartLog(
            Optional.of(new StartLogging.Target(file, Optional.empty()))));
    return StartLogFile.read(file);
  }

  private void start(List<Step> steps, TraceUse use, OpenOptions options)
      throws IOException, InterruptedException {
    CacheConfig config = CacheConfig.in(directory.resolve("cache-" + starts++));
    var links =
        new Links(link -> new SlotScheduler(link, SlotScheduler.Limits.DEFAULT, Ticker.SYSTEM));
    try (BlobCache cache = BlobCache.open(config, Ticker.SYSTEM)) {
      var opener = new ImageOpener(cache, links, executor, scheduler, Ticker.SYSTEM);
      var blobs = repositories.blobs("http://" + registry.host() + "/v2/app/blobs");
      List<LayerOrigin> origins =
          layers.stream().map(l -> LayerOrigin.remote(blobs, l, registry.host())).toList();
      var plan = new ImagePlan("app", origins, use, Optional.empty());
      try (Image image = opener.open(plan, options)) {
        for (Step step : steps) {
          Ticker.SYSTEM.sleep(step.thinkNanos());
          image.read(step.offset(), ByteBuffer.allocate(step.length()));
        }
        if (image.replayer().isPresent()) {
          image.replayer().get().awaitDone(Duration.ofSeconds(60));
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    executor.close();
    scheduler.shutdown();
    repositories.close();
    registry.close();
  }
}
