package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder;
import dev.obd.backstore.build.ImageBuilder.Built;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.prefetch.LocalRuns;
import dev.obd.backstore.store.ImageStore;
import dev.obd.cli.RecordRun.Ended;
import dev.obd.cli.RecordRun.Recorded;
import dev.obd.cli.control.DaemonClient;
import dev.obd.io.FailureText;
import dev.obd.io.FileSink;
import dev.obd.registry.Digest;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import dev.obd.trace.runs.Run;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd record}. */
@Command(
    name = "record",
    mixinStandardHelpOptions = true,
    description = {
      "Record what is read of an image while it is used, and make an image that brings it along.",
      "Serves SRC over NBD on a socket under OBD_HOME (or where --nbd and --mount say), runs CMD or waits, and stops at the time, when CMD ends, or at SIGINT or SIGTERM. Whichever it is, what was read until then becomes the trace of DST. Where DST is served, the trace is replayed: what will be wanted is fetched before it is asked for.",
      "",
      "CMD finds the image by OBD_NBD (an NBD URI), OBD_SOCKET (the socket's path) and OBD_MOUNT (the directory of --mount). At the end it, and all that it started, get SIGTERM, and SIGKILL if they do not end.",
      "The exit status says whether DST was made; how CMD ended is told on standard error.",
      "",
      "With --device, what is recorded is a device that is attached already and in use ('obd ps'); SRC is then what it was made from, unless another is named.",
      "",
      "  obd record --time 10s app:v1 app:v1-traced --mount /mnt -- chroot /mnt /bin/app --selftest",
      "  obd record --time 10s --hot app:v1 app:v1-hot --mount /mnt -- chroot /mnt /bin/app --selftest",
      "  obd record --time auto --merge app:v1-traced app:v1-traced -- ./start-it      (once more, the same or another program)",
      "  obd record --time auto --local app:v1 -- ./start-it",
      "  obd record --time 10s --device /mnt app:v1-traced",
      "  obd record --time 30s oci:images:app oci:images:traced -- sh -c 'nbdcopy \"$OBD_NBD\" null:'"
    })
final class RecordCommand implements Callable<Integer> {
  /** Building the image may mean to fetch it first. */
  private static final Duration GRACE = Duration.ofMinutes(30);

  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Option(
      names = "--time",
      required = true,
      paramLabel = "TIME|auto",
      description =
          "The most to record: 10s, 2m. auto: until the start is over, that is until it has read next to nothing new (64 KiB a second) for as long as it took up to then, and for 10s at least.")
  private String time;

  @Option(
      names = "--time-limit",
      paramLabel = "TIME",
      converter = Durations.Converter.class,
      description = "The most to record with --time auto (default 60s).")
  private Duration timeLimit = Duration.ofSeconds(60);

  @Parameters(
      index = "0",
      paramLabel = "SRC",
      description = "The image; may be left out with --device.")
  private String source;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "DST",
      description =
          "The new image: oci:DIR[:tag], or its name in the local store; may be left out with --local.")
  private @Nullable String destination;

  @Parameters(index = "2..*", arity = "0..*", paramLabel = "CMD", description = "What to run.")
  private List<String> command = new ArrayList<>();

  @Mixin private ControlOptions control;

  @Option(
      names = "--device",
      paramLabel = "NAME|NODE|DIR",
      description = "Record this device of the daemon's, while others use it.")
  private @Nullable String device;

  @Mixin private ServingOptions serving;

  @Mixin private StartLogOptions startLog;

  @Option(
      names = "--grace",
      paramLabel = "TIME",
      converter = Durations.Converter.class,
      description = "How long CMD may take to end once it was asked to (default 5s).")
  private Duration grace = Duration.ofSeconds(5);

  @Option(
      names = "--hot",
      description =
          "Make a hot layer, too, which repeats what was read in that order ('obd trace hot').")
  private boolean hot;

  @Option(names = "--replace", description = "Replace the trace, and the hot layer, that SRC has.")
  private boolean replace;

  @Option(
      names = "--merge",
      description =
          "Keep the runs that SRC has, and add this one: what any of them read is fetched.")
  private boolean merge;

  @Option(
      names = "--local",
      description =
          "Keep the run on this machine, for SRC: where it is attached next, it is used with those that SRC brings. Makes no image unless DST is given; with --device, too, SRC has to be named then.")
  private boolean local;

  @Option(
      names = "--trace-out",
      paramLabel = "FILE",
      description = "Write the trace there, too, as overlaybd's recorder would.")
  private @Nullable Path traceOut;

  @Option(
      names = "--runs",
      paramLabel = "FILE",
      description =
          "Add this run to FILE, made if it is missing, which says what several runs read ('obd trace merge').")
  private @Nullable Path runs;

  @Option(
      names = "--run-name",
      paramLabel = "NAME",
      description =
          "What the run is called there, such as the program (default: CMD's first word).")
  private @Nullable String runName;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  /** The document that {@code --json} prints: the new image, and how its trace came to be. */
  private record Result(
      @Nullable String name,
      @Nullable String digest,
      @Nullable Integer layers,
      @Nullable Integer traceRecords,
      @Nullable Boolean traceRemoved,
      long recordedBytes,
      long droppedRecords,
      String endedBy,
      @Nullable Integer commandStatus,
      @Nullable Integer localRuns,
      @Nullable HotImage hotLayer) {}

  @Override
  public Integer call() throws Exception {
    if (replace && merge) {
      throw new ParameterException(
          spec.commandLine(), "--replace or --merge: the runs that SRC has go, or stay");
    }
    RecordTime until = RecordTime.parse(time, timeLimit);
    if (runName != null && !Run.isName(runName)) {
      throw new ParameterException(
          spec.commandLine(),
          "--run-name: expected at most " + Run.MAX_NAME_BYTES + " bytes, got '" + runName + "'");
    }
    if (device != null) {
      return recordDevice(device, until);
    }
    if (local && destination != null && dashesBeforeDestination()) {
      command.addFirst(destination);
      destination = null;
    }
    if (destination == null ? !local : dashesBeforeDestination()) {
      throw new ParameterException(spec.commandLine(), "Missing required parameter: 'DST'");
    }
    checkImageOptions(destination);
    checkRuns();
    ServingOptions.Places places = serving.places();
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Interrupt interrupt = new Interrupt(GRACE);
        Session session = options.open()) {
      Optional<ImageStore.Target> target = target(session, destination);
      ImagePlans.Source.Stored image = Sources.image(session, source);
      requireTraceable(image, target);
      var use = new RecordRun.Use(places, until, grace, command, startLog.target());
      Instant began = Instant.now();
      Recorded recorded = new RecordRun(session, interrupt, terminal).run(image.plan(), use);
      tell(terminal, recorded);
      finish(session, image, recorded, began, target, terminal);
    }
    return 0;
  }

  /** Empty: no image is to be made. */
  private static Optional<ImageStore.Target> target(Session session, @Nullable String name)
      throws IOException {
    return name == null ? Optional.empty() : Optional.of(session.images().target(name));
  }

  private void requireTraceable(ImagePlans.Source.Stored image, Optional<ImageStore.Target> target)
      throws IOException {
    if (target.isPresent()) {
      ImageBuilder.requireTraceable(image.image(), replace || merge);
      if (hot) {
        ImageBuilder.requireNoHotLayer(image.image(), replace || merge);
      }
    }
  }

  /** {@code record SRC -- CMD}: CMD's first word is no image. */
  private boolean dashesBeforeDestination() {
    List<String> given = spec.commandLine().getParseResult().originalArgs();
    int dashes = given.indexOf("--");
    return dashes >= 0 && !given.subList(0, dashes).contains(destination);
  }

  private void checkImageOptions(@Nullable String into) {
    if (into == null && (hot || merge || replace)) {
      throw new ParameterException(
          spec.commandLine(),
          "--hot, --merge and --replace are about the image that is made: name DST, too");
    }
  }

  private int recordDevice(String what, RecordTime until) throws Exception {
    if (!serving.nowhere() || !command.isEmpty() || startLog.target().isPresent()) {
      throw new ParameterException(
          spec.commandLine(),
          "--device records what others do: without --nbd, --mount, --start-log and CMD");
    }
    // One name is DST's, unless no image has to be made.
    String into = destination == null && !local ? source : destination;
    checkImageOptions(into);
    checkRuns();
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Interrupt interrupt = new Interrupt(GRACE);
        DaemonClient client = control.client();
        Session session = options.open()) {
      var recording = new DeviceRecording(client, what);
      String from = destination == null && (!local || source == null) ? recording.source() : source;
      source = from; // what messages name
      Optional<ImageStore.Target> target = target(session, into);
      ImagePlans.Source.Stored image = Sources.image(session, from);
      requireTraceable(image, target);
      Instant began = Instant.now();
      Recorded recorded = recording.run(until, interrupt, terminal);
      tell(terminal, recorded);
      finish(session, image, recorded, began, target, terminal);
    }
    return 0;
  }

  /** Does all that can be done, and throws the first failure then; the recording is kept. */
  private void finish(
      Session session,
      ImagePlans.Source.Stored image,
      Recorded recorded,
      Instant began,
      Optional<ImageStore.Target> target,
      Terminal terminal)
      throws IOException {
    Trace trace = recorded.trace();
    var attempts = new Attempts();
    Optional<Run> run =
        attempts.run(() -> run(began, recorded, image.plan())).orElse(Optional.empty());
    Optional<Path> written =
        Optional.ofNullable(traceOut).flatMap(file -> attempts.run(() -> write(trace, file)));
    if (run.isPresent() && runs != null) {
      Path file = runs;
      attempts.run(() -> RunsText.add(run.get(), file));
    }
    int here = 0;
    if (run.isPresent() && local) {
      LocalRuns store = new LocalRuns(session.home().traces());
      Digest digest = image.image().descriptor().digest();
      here = attempts.run(() -> store.add(digest, run.get()).runs().size()).orElse(0);
    }
    Optional<Made> made =
        target.flatMap(to -> attempts.run(() -> make(session, image, trace, run, to, terminal)));
    if (attempts.failed()) {
      // It took its time to record; the rest is a matter of seconds, once what failed is mended.
      Optional<Path> kept =
          written.isPresent() ? written : attempts.run(() -> keep(trace, session));
      kept.ifPresent(file ->
          terminal.say("obd: the recording is kept: " + (made.isPresent() ? file : use(file))));
    }
    recorded.problem().ifPresent(attempts::add);
    if (target.isEmpty() || made.isPresent()) {
      if (json) {
        Json.print(spec.commandLine().getOut(), result(made, recorded, here));
      } else {
        print(spec.commandLine().getOut(), made, recorded, here);
      }
    }
    attempts.end(terminal);
  }

  /** Things that are done one after the other even if one of them fails. */
  private static final class Attempts {
    private final List<Exception> failures = new ArrayList<>();

    @FunctionalInterface
    interface Attempt<T> {
      T make() throws IOException;
    }

    /** Empty if it failed. */
    <T> Optional<T> run(Attempt<T> attempt) {
      try {
        return Optional.of(attempt.make());
      } catch (IOException | RuntimeException e) {
        failures.add(e);
        return Optional.empty();
      }
    }

    void add(IOException failure) {
      failures.add(failure);
    }

    boolean failed() {
      return !failures.isEmpty();
    }

    /** Throws the first failure; the others are told before. */
    void end(Terminal terminal) throws IOException {
      failures.stream().skip(1).forEach(failure -> terminal.say("obd: " + FailureText.of(failure)));
      if (failures.isEmpty()) {
        return;
      }
      switch (failures.getFirst()) {
        case IOException failure -> throw failure;
        case RuntimeException failure -> throw failure;
        case Exception failure -> throw new IllegalStateException(failure);
      }
    }
  }

  private static Path keep(Trace trace, Session session) throws IOException {
    Path directory = Files.createDirectories(session.home().recordings());
    return write(trace, directory.resolve(Instant.now().toString().replace(':', '-') + ".trace"));
  }

  /** The command that makes an image of a kept recording. */
  private String use(Path file) {
    return "obd "
        + (hot ? "trace hot" : "commit")
        + " --replace --trace "
        + file
        + " "
        + source
        + " "
        + (destination == null ? "DST" : destination);
  }

  /** Before anything is recorded: it would be a pity afterwards. */
  private void checkRuns() throws IOException {
    if (runs == null) {
      return;
    }
    Path directory = Objects.requireNonNull(runs.toAbsolutePath().getParent(), "it is a file");
    if (!Files.isDirectory(directory) || !Files.isWritable(directory)) {
      throw new IOException("--runs " + runs + ": " + directory + " is no directory to write to");
    }
    if (Files.exists(runs)) {
      RunsFile.read(runs);
    }
  }

  /** A run that read nothing says nothing. */
  private Optional<Run> run(Instant began, Recorded recorded, ImagePlan plan) {
    Trace trace = recorded.trace();
    return trace.size() <= recorded.opening()
        ? Optional.empty()
        : Optional.of(Run.of(began, nameOfRun(), trace, plan.digests()));
  }

  private String nameOfRun() {
    if (runName != null) {
      return runName;
    }
    String name = command.isEmpty() ? "" : command.getFirst();
    return Run.isName(name) ? name : "";
  }

  private void tell(Terminal terminal, Recorded recorded) {
    Integer status = recorded.commandStatus();
    if (status != null && status != 0) {
      terminal.say("obd: the command ended with status " + status + "; what it read is recorded");
    }
    if (recorded.trace().size() <= recorded.opening()) {
      terminal.say(
          "obd: nothing was read beyond what opening the image takes: the trace holds only that");
    }
    if (recorded.dropped() > 0) {
      terminal.say(
          "obd: the trace is full: its last " + recorded.dropped() + " records were dropped");
    }
  }

  /** A new image, and its hot layer if it was to have one. */
  private record Made(Built built, @Nullable HotImage hot) {}

  private Made make(
      Session session,
      ImagePlans.Source.Stored image,
      Trace trace,
      Optional<Run> run,
      ImageStore.Target target,
      Terminal terminal)
      throws IOException {
    Runs all = Runs.of(run.stream().toList());
    Optional<Trace> recorded = Optional.of(trace);
    if (merge) {
      Runs before = ImageBuilder.recordings(image.image()).asRuns(image.plan().digests());
      if (!before.isEmpty()) {
        all = all.merge(before);
        recorded = Optional.empty();
      }
    }
    if (hot) {
      ImageBuilder.Hot built =
          HotImage.build(
              session,
              image,
              recorded.orElse(all.trace(image.plan().digests(), 1)),
              replace || merge,
              target,
              new PackingOptions().options(session.executor()),
              terminal);
      return new Made(built.built(), HotImage.of(built));
    }
    ImageBuilder builder = session.builder().withSaving(terminal.progress("saving"));
    return new Made(builder.addRuns(image.image(), recorded, all, target, Instant.now()), null);
  }

  private static Path write(Trace trace, Path file) throws IOException {
    try (FileSink out = FileSink.create(file)) {
      out.write(ByteBuffer.wrap(TraceFile.encode(trace)));
      out.finish();
    }
    return file;
  }

  private static String name(Ended ended) {
    return ended.name().toLowerCase(Locale.ROOT);
  }

  private static Result result(Optional<Made> made, Recorded recorded, int localRuns) {
    Optional<Built> built = made.map(Made::built);
    return new Result(
        built.map(Built::name).orElse(null),
        built.map(b -> b.manifest().digest().value()).orElse(null),
        built.map(Built::layers).orElse(null),
        built.map(Built::traceRecords).orElse(null),
        built.map(Built::traceRemoved).orElse(null),
        recorded.trace().bytes(),
        recorded.dropped(),
        name(recorded.ended()),
        recorded.commandStatus(),
        localRuns == 0 ? null : localRuns,
        made.map(Made::hot).orElse(null));
  }

  private static void print(
      PrintWriter out, Optional<Made> made, Recorded recorded, int localRuns) {
    out.println("ended   by " + name(recorded.ended()));
    long bytes = recorded.trace().bytes();
    out.println("read    " + bytes + " bytes (" + Sizes.show(bytes) + ")");
    if (localRuns > 0) {
      out.println("local   " + localRuns + (localRuns == 1 ? " run" : " runs"));
    }
    if (made.isPresent()) {
      BuiltImage.of(made.get().built()).print(out, false);
      HotImage hotImage = made.get().hot();
      if (hotImage != null) {
        hotImage.print(out);
      }
    }
  }
}
