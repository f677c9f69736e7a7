package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder.BaseImage;
import dev.obd.backstore.build.PackOptions;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.cache.CacheStats;
import dev.obd.backstore.config.Home;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.LayerOrigin;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.prefetch.TraceLayer;
import dev.obd.backstore.source.LinkSource;
import dev.obd.backstore.source.RemoteSource;
import dev.obd.backstore.source.SimulatedLink;
import dev.obd.backstore.store.ImageStore;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.format.zfile.Algorithm;
import dev.obd.io.BlockSource;
import dev.obd.io.FileSource;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Platform;
import dev.obd.registry.Progress;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.trace.TraceRecorder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * The demonstration from start to end. Uses what the other commands use; only the link is
 * simulated.
 */
final class Quickstart {
  private static final String LINK = "the simulated link";

  private final Path dir;
  private final Duration rtt;
  private final long bytesPerSecond;
  private final Consumer<String> say;
  private final Home home;
  private final Ticker ticker = Ticker.SYSTEM;

  Quickstart(Path dir, Duration rtt, long bytesPerSecond, Consumer<String> say) {
    this.dir = dir;
    this.rtt = rtt;
    this.bytesPerSecond = bytesPerSecond;
    this.say = say;
    this.home = new Home(dir.resolve("home"));
  }

  /**
   * What was shown.
   *
   * @param records of the recorded trace
   * @param ratio cold without replay to cold with it, in time
   */
  record Result(
      String workload,
      long diskBytes,
      long imageBytes,
      int records,
      List<Phase> phases,
      double ratio) {}

  Result run(boolean mayMount) throws IOException, InterruptedException {
    Tool tool = new Tool(dir.resolve("tools.log"));
    long diskBytes = build(tool);
    Workload workload = workload(tool, mayMount);
    say.accept("The workload: " + workload.describe() + ".");

    List<Phase> phases = new ArrayList<>();
    say.accept("Cold start: nothing is cached, every read waits for the link ...");
    phases.add(start("cold", workload, "app", "cache-1", OpenOptions.DEFAULTS.withReplay(false)));

    say.accept("Recording what a start reads, and committing it as the image's top layer ...");
    TraceRecorder recorder = new TraceRecorder();
    recorder.start();
    phases.add(
        start(
            "recording", workload, "app", "cache-1", OpenOptions.DEFAULTS.withRecorder(recorder)));
    recorder.stop();
    int records = commit(recorder);

    say.accept(
        "Cold start elsewhere: nothing is cached, but the image knows what will be read ...");
    phases.add(start("cold with replay", workload, "app-traced", "cache-2", OpenOptions.DEFAULTS));
    say.accept("Warm start: everything is cached ...");
    phases.add(start("warm", workload, "app-traced", "cache-2", OpenOptions.DEFAULTS));

    for (Phase phase : phases) {
      if (!phase.output().equals(phases.getFirst().output())) {
        throw new IOException(
            "the program said '"
                + phase.output()
                + "' in phase '"
                + phase.name()
                + "', but '"
                + phases.getFirst().output()
                + "' before: the bytes are not the same");
      }
    }
    double ratio = (double) phases.get(0).millis() / Math.max(1, phases.get(2).millis());
    return new Result(workload.describe(), diskBytes, imageBytes(), records, phases, ratio);
  }

  private Workload workload(Tool tool, boolean mayMount) throws IOException {
    if (mayMount) {
      MountedProgram mounted = new MountedProgram(dir, tool);
      Optional<String> missing = mounted.unavailableBecause();
      if (missing.isEmpty()) {
        return mounted;
      }
      say.accept("No mount here (" + missing.get() + ").");
    }
    return new NbdReader(dir);
  }

  private String name(String tag) {
    return "oci:" + dir.resolve("images") + ":" + tag;
  }

  /** A disk with the Java runtime, a changed copy of it, and both as layers of one image. */
  private long build(Tool tool) throws IOException, InterruptedException {
    DemoDisk disk = new DemoDisk(dir, tool);
    say.accept("Making an ext4 disk of " + System.getProperty("java.home") + " ...");
    DemoDisk.Tree tree = disk.stage(Path.of(System.getProperty("java.home")));
    Path base = disk.makeBase(tree);
    Path app = disk.makeApp(base);
    say.accept("Importing it as a layer, and what a program changed as a second layer ...");
    try (Session session = session("cache-0");
        BlockSource baseDisk = FileSource.open(base);
        BlockSource appDisk = FileSource.open(app)) {
      ImageStore images = session.images();
      int workers = Runtime.getRuntime().availableProcessors();
      try (var pool = Executors.newFixedThreadPool(workers)) {
        PackOptions packing =
            new PackOptions(
                PackOptions.DEFAULTS
                    .zfile()
                    .withAlgorithm(Algorithm.ZSTD)
                    .withBlockBytes(16 << 10)
                    .withWorkers(workers, pool));
        session
            .builder()
            .importDisk(
                baseDisk,
                Optional.empty(),
                images.target(name("base")),
                packing,
                "obd quickstart",
                Progress.NONE);
        LoadedImage below = images.load(name("base"));
        try (var opened =
            session.opener().open(session.plans().plan(below), OpenOptions.DEFAULTS)) {
          session
              .builder()
              .importDisk(
                  appDisk,
                  Optional.of(new BaseImage(below, opened)),
                  images.target(name("app")),
                  packing,
                  "obd quickstart",
                  Progress.NONE);
        }
      }
      return baseDisk.size();
    } finally {
      disk.discardSources();
    }
  }

  private long imageBytes() throws IOException {
    try (Session session = session("cache-0")) {
      return session.images().load(name("app")).manifest().layers().stream()
          .mapToLong(Descriptor::size)
          .sum();
    }
  }

  private int commit(TraceRecorder recorder) throws IOException {
    try (Session session = session("cache-0")) {
      ImageStore images = session.images();
      return session
          .builder()
          .addTrace(
              images.load(name("app")),
              recorder.snapshot(),
              images.target(name("app-traced")),
              Instant.now())
          .traceRecords();
    }
  }

  private Session session(String cache) throws IOException {
    return new Session(
        home, RegistryOptions.defaults(), CacheConfig.in(dir.resolve(cache)), Platform.current());
  }

  /** Attaches the image over a fresh link, runs the workload, and takes everything away again. */
  private Phase start(String name, Workload workload, String tag, String cache, OpenOptions options)
      throws IOException, InterruptedException {
    SimulatedLink link = new SimulatedLink(ticker, rtt, bytesPerSecond);
    try (Session session = session(cache)) {
      long begin = ticker.nanos();
      LoadedImage image = session.images().load(name(tag));
      // The two documents every attach asks its registry for.
      link.pass(image.descriptor().size(), ReadContext.current().deadline());
      link.pass(image.manifest().config().size(), ReadContext.current().deadline());
      String output;
      try (Attachment attachment =
          Attachment.open(session, behind(link, image), options, Duration.ofSeconds(60))) {
        output = workload.run(attachment);
        long nanos = ticker.nanos() - begin;
        CacheStats.Snapshot stats = session.cache().stats().snapshot();
        return new Phase(
            name,
            nanos / 1_000_000,
            link.requests(),
            link.bytes(),
            Math.max(0, stats.aheadBytes() - stats.aheadUsedBytes()),
            output.substring(output.lastIndexOf('\n') + 1));
      }
    }
  }

  /** The image with each of its blobs at the far end of {@code link}. */
  private static ImagePlan behind(SimulatedLink link, LoadedImage image) throws IOException {
    Optional<Descriptor> trace = TraceLayer.find(image.name(), image.manifest());
    List<LayerOrigin> lowers =
        image.manifest().layers().stream()
            .filter(layer -> !trace.equals(Optional.of(layer)))
            .map(layer ->
                LayerOrigin.remote(
                    layer.digest(),
                    LINK,
                    () -> new LinkSource(new RemoteSource(image.home().open(layer)), link)))
            .toList();
    ImagePlan.TraceUse use =
        trace
            .<ImagePlan.TraceUse>map(layer ->
                new ImagePlan.TraceUse.Replay(() -> {
                  link.pass(layer.size(), ReadContext.current().deadline());
                  return TraceLayer.load(image.home(), layer);
                }))
            .orElseGet(ImagePlan.TraceUse.None::new);
    return new ImagePlan(image.name(), lowers, use, Optional.empty());
  }
}
