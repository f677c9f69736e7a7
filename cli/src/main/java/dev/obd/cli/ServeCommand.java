package dev.obd.cli;

import dev.obd.backstore.config.DeviceConfig;
import dev.obd.backstore.config.PrefetchConfig;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.UpperFiles;
import dev.obd.backstore.image.ImagePlans.Source;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.image.UpperBase;
import dev.obd.backstore.prefetch.ReplayStats;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.backstore.prefetch.TraceChoice;
import dev.obd.io.Ticker;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd serve}. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = {
      "Serve an image as a block device until SIGINT or SIGTERM.",
      "Prints one line per address, beginning with 'ready', once clients can connect. A trace in the image is replayed at once.",
      "",
      "Read it:    qemu-img info 'nbd+unix:///?socket=PATH'   or   nbdcopy 'nbd+unix:///?socket=PATH' disk.raw",
      "Mount it:   obd serve IMAGE --mount DIR   (needs root, FUSE and a loop device)"
    })
final class ServeCommand implements Callable<Integer> {
  private static final long WAIT_NANOS = 50_000_000;

  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(
      paramLabel = "SRC",
      description = "An image, an overlaybd config.v1.json or a layer file.")
  private String source;

  @Mixin private ServingOptions serving;

  @Mixin private PrefetchCeilingOptions ceilings;

  @Mixin private UpperOptions upper;

  @Mixin private StartLogOptions startLog;

  @Mixin private ReplayChoiceOptions replay;

  @Mixin private PrefetchOptions prefetch;

  @Option(
      names = "--readahead",
      description =
          "Fetch ahead of who reads a remote layer in order, such as a copy of all of it.")
  private boolean readahead;

  @Option(
      names = "--concurrency",
      paramLabel = "N",
      description = "Requests of the replay in flight at once (default ${DEFAULT-VALUE}).")
  private int concurrency = 16;

  @Option(
      names = "--patience",
      paramLabel = "TIME",
      converter = Durations.Converter.class,
      description = "How long a read may take before it fails with an I/O error (default 60s).")
  private Duration patience = Duration.ofSeconds(60);

  @Override
  public Integer call() throws Exception {
    if (serving.nowhere()) {
      throw new ParameterException(
          spec.commandLine(), "where to? Give --nbd unix:PATH, --nbd tcp:HOST:PORT or --mount DIR");
    }
    upper.check();
    TraceChoice choice = replay.choice();
    boolean writable = upper.writable();
    ServingOptions.Places places = serving.places();
    PrintWriter out = spec.commandLine().getOut();
    try (Interrupt interrupt = new Interrupt();
        Session session = options.open(ceilings.limits())) {
      Source resolved = session.plans().resolve(source);
      ImagePlan plan = resolved.plan();
      plan.requireRecorded(choice);
      if (writable) {
        plan = plan.withUpper(upper(session, resolved));
      }
      PrefetchConfig ahead = ahead(resolved);
      OpenOptions how =
          OpenOptions.DEFAULTS
              .withTrace(choice)
              .withBudget(replay.budget())
              .withReadahead(readahead)
              .withReplayConcurrency(concurrency)
              .withStartLog(startLog.target())
              .withFiles(ahead.files());
      try (Attachment attachment = Attachment.open(session, plan, how, patience)) {
        if (!awaitPrefetch(attachment.image(), ahead.patience(), interrupt)) {
          return 0;
        }
        for (URI address : places.addresses(session.home(), !writable)) {
          Export export = attachment.export(address);
          out.println(
              "ready "
                  + export.address()
                  + " ("
                  + Sizes.show(attachment.device().size())
                  + (writable ? ", writable)" : ", read-only)"));
        }
        out.flush();
        interrupt.await();
      }
    }
    return 0;
  }

  /** What the command line says; else what a configuration does. */
  private PrefetchConfig ahead(Source resolved) throws IOException {
    PrefetchConfig said = prefetch.config();
    if (!(resolved instanceof Source.Configured(DeviceConfig config, _))) {
      return said;
    }
    return new PrefetchConfig(
        prefetch.lists() ? said.files() : config.prefetch().files(),
        said.patience().isZero() ? config.prefetch().patience() : said.patience());
  }

  /** Shows how far the prefetch is until it is done or the time is over; false if interrupted. */
  private boolean awaitPrefetch(Image image, Duration limit, Interrupt interrupt)
      throws InterruptedException {
    if (limit.isZero() || image.replayer().isEmpty()) {
      return true;
    }
    Replayer replayer = image.replayer().get();
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    Progress progress = terminal.progress("prefetching");
    long start = Ticker.SYSTEM.nanos();
    while (!replayer.stats().done() && Ticker.SYSTEM.nanos() - start < limit.toNanos()) {
      if (interrupt.await(WAIT_NANOS)) {
        return false;
      }
      progress.at(replayer.stats().bytes(), replayer.stats().rangeBytes());
    }
    ReplayStats stats = replayer.stats();
    if (!stats.done()) {
      terminal.say(
          "prefetched "
              + Sizes.show(stats.bytes())
              + " of "
              + Sizes.show(stats.rangeBytes())
              + " in "
              + Durations.show(limit)
              + "; the rest goes on while the device is used");
    }
    return true;
  }

  private UpperFiles upper(Session session, Source resolved) throws IOException {
    ImagePlan plan = resolved.plan();
    if (plan.upper().isPresent() && upper.upper().isEmpty()) {
      return plan.upper().get(); // an overlaybd configuration brings its own
    }
    Path dir =
        upper
            .upper()
            .orElseGet(
                () -> session.home().uppers().resolve(UpperBase.directoryName(name(resolved))));
    UpperFiles files = UpperBase.prepare(dir, plan);
    spec.commandLine().getErr().println("writable layer: " + dir);
    return files;
  }

  /** What was named, wherever the process runs. */
  private String name(Source resolved) {
    return resolved instanceof Source.LayerFile(Path file, _)
        ? file.toAbsolutePath().normalize().toString()
        : source;
  }
}
