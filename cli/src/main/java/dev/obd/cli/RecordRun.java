package dev.obd.cli;

import dev.obd.backstore.device.Export;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.startlog.StartLogging.Target;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceRecorder;
import dev.obd.trace.runs.RecorderWatch;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One recording: attach, let it be used for a while, and take away what was read. */
final class RecordRun {
  /** The environment of the command. */
  static final String NBD = "OBD_NBD";

  static final String SOCKET = "OBD_SOCKET";
  static final String MOUNT = "OBD_MOUNT";

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long POLL_NANOS = Duration.ofMillis(50).toNanos();

  /** A socket's path may have this many bytes, less those of the name it is made under. */
  private static final int MAX_DIRECTORY_BYTES = 107 - 26;

  private static final int STATUS_OF_SIGINT = 128 + 2;
  private static final int STATUS_OF_SIGTERM = 128 + 15;

  /** What ended a recording. */
  enum Ended {
    TIME,
    /** Nothing new is read any more. */
    QUIET,
    SIGNAL,
    COMMAND,
    /** Nobody could say any more whether it is over. */
    FAILURE
  }

  /**
   * What was recorded.
   *
   * @param opening records of these that opening the image made
   * @param dropped records for which there was no room
   * @param commandStatus of the command, if there was one and it ended by itself
   * @param problem what ended it too early, or could not be put away afterwards; what was recorded
   *     until then is whole all the same
   */
  record Recorded(
      Trace trace,
      int opening,
      long dropped,
      Ended ended,
      @Nullable Integer commandStatus,
      Optional<IOException> problem) {}

  /**
   * What to do with the image.
   *
   * @param places where to serve it; nowhere: on a socket of its own
   * @param until when to end
   * @param grace how long the command may take to end when it is asked to
   * @param command to run; empty to wait
   * @param startLog where to write what happens besides, if it is wanted
   */
  record Use(
      ServingOptions.Places places,
      RecordTime until,
      Duration grace,
      List<String> command,
      Optional<Target> startLog) {}

  private final Session session;
  private final Interrupt interrupt;
  private final Terminal terminal;

  RecordRun(Session session, Interrupt interrupt, Terminal terminal) {
    this.session = session;
    this.interrupt = interrupt;
    this.terminal = terminal;
  }

  Recorded run(ImagePlan plan, Use use) throws IOException, InterruptedException {
    TraceRecorder recorder = new TraceRecorder();
    recorder.start();
    Attachment attachment =
        Attachment.open(
            session,
            plan,
            OpenOptions.DEFAULTS.withRecorder(recorder).withStartLog(use.startLog()),
            PATIENCE);
    int opening = recorder.size();
    Waited waited;
    try {
      waited = serve(attachment, use, recorder);
    } catch (IOException | InterruptedException | RuntimeException e) {
      try {
        attachment.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
    // A mount that is busy must not cost the recording.
    Optional<IOException> problem = Optional.empty();
    try {
      attachment.close();
    } catch (IOException e) {
      problem = Optional.of(e);
    }
    return new Recorded(
        recorder.snapshot(), opening, recorder.dropped(), waited.ended(), waited.status(), problem);
  }

  private record Waited(Ended ended, @Nullable Integer status) {}

  private Waited serve(Attachment attachment, Use use, TraceRecorder recorder)
      throws IOException, InterruptedException {
    Path own = null;
    try {
      List<URI> addresses = use.places().addresses(session.home(), true);
      if (addresses.isEmpty()) {
        own = ownSocket();
        addresses.add(Frontends.nbd("unix:" + own));
      }
      Map<String, String> variables = new LinkedHashMap<>();
      for (URI address : addresses) {
        Export export = attachment.export(address);
        terminal.say("ready " + export.address());
        describe(address, export, variables);
      }
      return use.command().isEmpty()
          ? waitAlone(use.until(), recorder)
          : waitFor(use, variables, recorder);
    } finally {
      if (own != null && !own.startsWith(session.home().run())) {
        attachment.close(); // takes the socket out of its directory
        Files.deleteIfExists(own.getParent());
      }
    }
  }

  /** In OBD_HOME; elsewhere if that lies too deep for the path of a socket. */
  private Path ownSocket() throws IOException {
    Path run = session.home().run();
    Path directory =
        run.toString().getBytes(StandardCharsets.UTF_8).length <= MAX_DIRECTORY_BYTES
            ? Files.createDirectories(run)
            : Files.createTempDirectory("obd-");
    return directory.resolve("record-" + ProcessHandle.current().pid());
  }

  private static void describe(URI address, Export export, Map<String, String> variables) {
    switch (address.getScheme()) {
      case "fuse" -> variables.put(MOUNT, export.address());
      case "nbd+unix" -> {
        variables.putIfAbsent(NBD, export.address());
        variables.putIfAbsent(SOCKET, address.getQuery().substring("socket=".length()));
      }
      default -> variables.putIfAbsent(NBD, export.address());
    }
  }

  private Waited waitAlone(RecordTime until, TraceRecorder recorder) throws InterruptedException {
    Ended ended = until.await(interrupt, new RecorderWatch(recorder)::isOver);
    recorder.stop();
    return new Waited(ended, null);
  }

  private Waited waitFor(Use use, Map<String, String> variables, TraceRecorder recorder)
      throws IOException, InterruptedException {
    try (ChildCommand child = ChildCommand.start(use.command(), variables)) {
      Ended ended = await(child, use.until(), new RecorderWatch(recorder));
      Integer status = child.running() ? null : child.status();
      recorder.stop();
      if (!child.stop(use.grace())) {
        terminal.say(
            "obd: the command did not end in " + Durations.show(use.grace()) + ", killed it");
      }
      return new Waited(ended, ended == Ended.COMMAND ? status : null);
    }
  }

  private Ended await(ChildCommand child, RecordTime until, RecorderWatch watch)
      throws InterruptedException {
    long end = System.nanoTime() + until.limit().toNanos();
    while (child.running()) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        return Ended.TIME;
      }
      if (interrupt.await(Math.min(left, POLL_NANOS))) {
        return Ended.SIGNAL;
      }
      if (until.auto() && watch.isOver()) {
        return Ended.QUIET;
      }
      child.look();
    }
    // Ctrl-C goes to the command, too, which may be the faster one to end.
    boolean signalled = child.status() == STATUS_OF_SIGINT || child.status() == STATUS_OF_SIGTERM;
    return signalled && interrupt.await(Duration.ofMillis(500).toNanos())
        ? Ended.SIGNAL
        : Ended.COMMAND;
  }
}
