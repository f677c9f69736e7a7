package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder;
import dev.obd.backstore.build.ImageBuilder.Hot;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.store.ImageStore;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
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

/** {@code obd trace hot}. */
@Command(
    name = "hot",
    mixinStandardHelpOptions = true,
    description = {
      "Put a hot layer on an image: a copy of what a start reads, in the order in which it does.",
      "Where the image is attached, this one blob is fetched from front to back in one request, and a start reads from it what has arrived. The disk stays the same, byte for byte, the layers below keep their digests, and other tools read the image as before. The price is the bytes of the hot layer, which are printed.",
      "",
      "What a start reads is told by the trace that IMAGE has, or by --trace or --runs. The new image has a trace as well, for those who do not know hot layers.",
      "",
      "Example:  obd trace hot app:v1-traced",
      "          obd trace hot --runs app.runs --support 2 app:v1 app:v1-hot"
    })
final class TraceHotCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Mixin private PackingOptions packing;

  @Parameters(index = "0", paramLabel = "IMAGE", description = "The image.")
  private String source;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "DST",
      description =
          "The new image: oci:DIR[:tag], or its name in the local store (default: IMAGE's).")
  private @Nullable String destination;

  @Option(names = "--trace", paramLabel = "FILE", description = "A trace that was recorded on it.")
  private @Nullable Path traceFile;

  @Option(
      names = "--runs",
      paramLabel = "FILE",
      description = "What several runs read ('obd record --runs', 'obd trace merge').")
  private @Nullable Path runsFile;

  @Option(
      names = "--support",
      paramLabel = "N",
      description = "With --runs: how many must have read what is repeated (default 1).")
  private @Nullable Integer support;

  @Option(
      names = "--replace",
      description = "Replace the hot layer that IMAGE has, and its trace by that of a file.")
  private boolean replace;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  /** The document that {@code --json} prints. */
  private record Document(
      String name, String digest, int layers, int traceRecords, HotImage hotLayer) {}

  @Override
  public Integer call() throws Exception {
    if (traceFile != null && runsFile != null) {
      throw new ParameterException(spec.commandLine(), "--trace and --runs exclude each other");
    }
    if (support != null && (runsFile == null || support < 1)) {
      throw new ParameterException(
          spec.commandLine(), "--support: needs --runs, and a number from 1, got " + support);
    }
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open()) {
      ImageStore.Target target =
          session.images().target(destination == null ? source : destination);
      ImagePlans.Source.Stored image = Sources.image(session, source);
      ImageBuilder.requireNoHotLayer(image.image(), replace);
      Trace trace = trace(image);
      Hot hot =
          HotImage.build(
              session,
              image,
              trace,
              replace,
              target,
              packing.options(session.executor()),
              terminal);
      print(hot);
    }
    return 0;
  }

  private Trace trace(ImagePlans.Source.Stored image) throws IOException {
    if (traceFile != null) {
      ImageBuilder.requireTraceable(image.image(), replace);
      return TraceFile.read(traceFile);
    }
    if (runsFile == null) {
      if (image.plan().trace() instanceof TraceUse.Replay(ImagePlan.Loader<Recordings> loader)) {
        return loader
            .load()
            .replay(image.plan().digests(), Optional.empty(), new PrefetchBudget.Unlimited());
      }
      throw new IOException(
          source + ": has no trace that would say what a start reads; give --trace or --runs");
    }
    ImageBuilder.requireTraceable(image.image(), replace);
    Runs runs = RunsFile.read(runsFile);
    int least = support == null ? 1 : support;
    if (least > runs.runs().size()) {
      throw new ParameterException(
          spec.commandLine(),
          "--support " + least + ": there are only " + runs.runs().size() + " runs");
    }
    return runs.trace(image.plan().digests(), least);
  }

  private void print(Hot hot) {
    PrintWriter out = spec.commandLine().getOut();
    BuiltImage image = BuiltImage.of(hot.built());
    if (json) {
      Json.print(
          out,
          new Document(
              image.name(),
              image.digest(),
              image.layers(),
              image.traceRecords(),
              HotImage.of(hot)));
    } else {
      image.print(out, false);
      HotImage.of(hot).print(out);
    }
  }
}
