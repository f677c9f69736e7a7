package dev.obd.cli;

import dev.obd.cli.RunsText.RunView;
import dev.obd.cli.RunsText.Support;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd trace merge}. */
@Command(
    name = "merge",
    mixinStandardHelpOptions = true,
    description = {
      "Bring together what several runs of a program read, and say what they have in common.",
      "FILEs are those of 'obd record --runs'. The order in which they are given, and how often, makes no difference: the same runs give the same bytes. At most 64 runs are kept, the newest.",
      "",
      "With --trace and --image, a trace for replay is made of what at least --support runs read, in the order of the first touch; 'obd commit --trace' makes an image of it.",
      "",
      "Example:  obd record --time 10s --runs app.runs app:v1 app:v1-traced -- ./start-it     (on each of some machines)",
      "          obd trace merge a.runs b.runs c.runs --out app.runs --image app:v1 --support 2 --trace app.trace",
      "          obd commit --trace app.trace app:v1 app:v1-traced"
    })
final class TraceMergeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(arity = "1..*", paramLabel = "FILE", description = "Runs.")
  private List<Path> files;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE",
      description = "Write all runs there; replaces a file that is there.")
  private @Nullable Path runsOut;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description = "Write a trace there that replays what the runs have in common.")
  private @Nullable Path traceOut;

  @Option(
      names = "--image",
      paramLabel = "IMAGE",
      description = "The image that the trace is for: it says which layer is which.")
  private @Nullable String image;

  @Option(
      names = "--support",
      paramLabel = "N",
      description =
          "How many runs must have read what goes into the trace (default ${DEFAULT-VALUE}).")
  private int support = 1;

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  /** The document that {@code --json} prints. */
  private record Document(
      List<RunView> runs, List<Support> readBy, @Nullable Integer traceRecords) {}

  @Override
  public Integer call() throws Exception {
    if ((traceOut == null) != (image == null)) {
      throw new ParameterException(spec.commandLine(), "--trace and --image need each other");
    }
    if (support < 1 || support > Runs.MAX_RUNS) {
      throw new ParameterException(
          spec.commandLine(), "--support: expected 1 to " + Runs.MAX_RUNS + ", got " + support);
    }
    Runs all = Runs.of(List.of());
    for (Path file : files) {
      all = all.merge(RunsFile.read(file));
    }
    if (traceOut != null && support > all.runs().size()) {
      throw new ParameterException(
          spec.commandLine(),
          "--support " + support + ": there are only " + all.runs().size() + " runs");
    }
    if (runsOut != null) {
      RunsText.write(all, runsOut);
    }
    Integer records = null;
    if (traceOut != null && image != null) {
      Trace trace = all.trace(layers(image), support);
      RunsText.write(TraceFile.encode(trace), traceOut);
      records = trace.size();
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, new Document(RunsText.views(all), RunsText.supports(all), records));
    } else {
      RunsText.print(out, all);
      if (records != null) {
        out.println("trace of " + records + " records: " + traceOut);
      }
    }
    return 0;
  }

  private List<String> layers(String name) throws IOException {
    try (Session session = options.open()) {
      return Sources.image(session, name).plan().digests();
    }
  }
}
