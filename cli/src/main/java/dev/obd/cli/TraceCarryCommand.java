package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder;
import dev.obd.backstore.build.ImageBuilder.Built;
import dev.obd.backstore.build.TraceCarrier;
import dev.obd.backstore.build.TraceCarrier.Carried;
import dev.obd.backstore.build.TraceCarrier.Share;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.store.ImageStore;
import dev.obd.registry.Progress;
import dev.obd.trace.Trace;
import dev.obd.trace.runs.Run;
import dev.obd.trace.runs.Runs;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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

/** {@code obd trace carry}. */
@Command(
    name = "carry",
    mixinStandardHelpOptions = true,
    description = {
      "Bring the trace of an image along to its rebuild, without recording again.",
      "What OLD's start reads is followed by file: NEW has a file of that path, or one of that name and size with the same bytes, wherever its file system put it. DST is NEW with the trace that comes of it; OLD stays as it is. Both need an ext4 or EROFS file system. What the start reads is read once of both images.",
      "Told is what share of OLD's trace was carried: the same bytes, bytes that changed in place, metadata of the file system, and what is lost because NEW has no such file.",
      "",
      "Example:  obd trace carry app:v1-traced app:v2 app:v2-traced",
      "          obd trace carry --least 80 registry.example/app:v1 registry.example/app:v2 app:v2-traced"
    })
final class TraceCarryCommand implements Callable<Integer> {
  private static final int PERCENT = 100;

  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(index = "0", paramLabel = "OLD", description = "The image that has the trace.")
  private String oldName;

  @Parameters(index = "1", paramLabel = "NEW", description = "Its rebuild.")
  private String newName;

  @Parameters(
      index = "2",
      arity = "0..1",
      paramLabel = "DST",
      description = "The new image: oci:DIR[:tag], or its name in the local store (default: NEW).")
  private @Nullable String destination;

  @Option(
      names = "--least",
      paramLabel = "PERCENT",
      description =
          "Make nothing, and fail, if less of the trace can be carried (default ${DEFAULT-VALUE}).")
  private double least = 0;

  @Option(names = "--replace", description = "Replace the trace that NEW has.")
  private boolean replace;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  /** The document that {@code --json} prints; bytes of OLD's disk. */
  private record Document(
      String name,
      String digest,
      int layers,
      int traceRecords,
      int runs,
      long recordedBytes,
      long sameBytes,
      long changedBytes,
      long metadataBytes,
      long lostBytes,
      double carriedPercent) {}

  @Override
  public Integer call() throws Exception {
    if (!(least >= 0 && least <= PERCENT)) {
      throw new ParameterException(
          spec.commandLine(), "--least: expected 0 to 100 percent, got " + least);
    }
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open()) {
      ImageStore.Target target =
          session.images().target(destination == null ? newName : destination);
      ImagePlans.Source.Stored old = Sources.image(session, oldName);
      ImagePlans.Source.Stored fresh = Sources.image(session, newName);
      ImageBuilder.requireTraceable(fresh.image(), replace);
      Recordings recorded = ImageBuilder.recordings(old.image());
      if (recorded.isEmpty()) {
        throw new IOException(oldName + ": has no trace that could be carried");
      }
      // OLD is opened with its replay: what it brings is what is compared.
      try (Image oldDisk = session.opener().open(old.plan(), OpenOptions.DEFAULTS);
          Image freshDisk =
              session.opener().open(fresh.plan(), OpenOptions.DEFAULTS.withReplay(false))) {
        terminal.say("obd: looking at the files of both images");
        var carrier =
            new TraceCarrier(oldDisk.stack().orElseThrow(), freshDisk.stack().orElseThrow());
        List<String> digests = old.plan().digests();
        Trace trace = recorded.replay(digests, Optional.empty(), new PrefetchBudget.Unlimited());
        Carried carried = carry(carrier, trace, terminal.progress("carrying"));
        requireEnough(carried.share());
        List<Run> runs = new ArrayList<>();
        for (Run run : recorded.runs().runs()) {
          Trace of = Runs.of(List.of(run)).trace(digests, 1);
          Trace there = carry(carrier, of, Progress.NONE).trace();
          runs.add(Run.of(run.started(), run.name(), there, fresh.plan().digests()));
        }
        ImageBuilder builder = session.builder().withSaving(terminal.progress("saving"));
        Built built =
            runs.isEmpty()
                ? builder.addTrace(fresh.image(), carried.trace(), target, Instant.now())
                : builder.addRuns(
                    fresh.image(),
                    Optional.of(carried.trace()),
                    Runs.of(runs),
                    target,
                    Instant.now());
        print(built, carried.share(), runs.size());
      }
    }
    return 0;
  }

  private static Carried carry(TraceCarrier carrier, Trace trace, Progress progress)
      throws IOException {
    long all = trace.bytes();
    return carrier.carry(trace, done -> progress.at(Math.min(done, all), all));
  }

  private void requireEnough(Share share) throws IOException {
    if (share.same() + share.changed() == 0) { // metadata alone starts nothing
      throw new IOException(
          newName + ": nothing that " + oldName + " reads is in it; nothing was made");
    }
    if (percent(share) < least) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: only %.1f %% of the trace of %s can be carried, which is less than --least %s; nothing was made",
              newName,
              percent(share),
              oldName,
              least));
    }
  }

  private static double percent(Share share) {
    return share.all() == 0 ? 0 : (double) PERCENT * share.carried() / share.all();
  }

  private void print(Built built, Share share, int runs) {
    PrintWriter out = spec.commandLine().getOut();
    BuiltImage image = BuiltImage.of(built);
    if (json) {
      Json.print(
          out,
          new Document(
              image.name(),
              image.digest(),
              image.layers(),
              image.traceRecords(),
              runs,
              share.all(),
              share.same(),
              share.changed(),
              share.metadata(),
              share.lost(),
              percent(share)));
      return;
    }
    image.print(out, false);
    out.printf(Locale.ROOT, "carried %.1f %% of what %s reads%n", percent(share), oldName);
    line(out, "same", share.same(), share);
    line(out, "changed", share.changed(), share);
    line(out, "metadata", share.metadata(), share);
    line(out, "lost", share.lost(), share);
    if (runs > 0) {
      out.println("runs    " + runs);
    }
  }

  private static void line(PrintWriter out, String what, long bytes, Share share) {
    double part = share.all() == 0 ? 0 : (double) PERCENT * bytes / share.all();
    out.printf(Locale.ROOT, "  %-8s  %5.1f %%  %s%n", what, part, Sizes.show(bytes));
  }
}
