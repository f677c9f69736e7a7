package dev.obd.cli;

import dev.obd.backstore.inspect.TraceReport;
import dev.obd.backstore.inspect.Traces;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.cli.RunsText.RunView;
import dev.obd.cli.RunsText.Support;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.runs.Runs;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd trace show}. */
@Command(
    name = "show",
    mixinStandardHelpOptions = true,
    description = {
      "Print the records of a trace in file order, and what they add up to per layer; and the runs that the trace was made of, if they are known.",
      "Offsets are those of the uncompressed layer; layer 0 is the lowest.",
      "",
      "Example:  obd trace show oci:images:app-fast",
      "          obd trace show --json trace | jq '.records | length'"
    })
final class TraceShowCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(
      paramLabel = "FILE|IMAGE",
      description =
          "A trace file, a file of runs, or an image or overlaybd config.v1.json that has a trace.")
  private String source;

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  /** One JSON document. */
  private record Document(
      String name,
      long bytes,
      long uniqueBytes,
      List<TraceReport.Layer> layers,
      List<Access> records,
      List<RunView> runs,
      List<Support> readBy) {}

  @Override
  public Integer call() throws Exception {
    Recordings recordings = load();
    Runs runs = recordings.runs();
    Trace trace = recordings.trace().orElse(Trace.EMPTY);
    TraceReport report = TraceReport.of(trace);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(
          out,
          "trace",
          new Document(
              source,
              report.bytes(),
              report.uniqueBytes(),
              report.layers(),
              trace,
              RunsText.views(runs),
              RunsText.supports(runs)));
      return 0;
    }
    out.println(String.format(Locale.ROOT, "%5s  %16s  %10s", "layer", "offset", "length"));
    for (Access access : trace) {
      out.println(
          String.format(
              Locale.ROOT, "%5d  %16d  %10d", access.layer(), access.offset(), access.length()));
    }
    out.println();
    TraceText.summary(out, report);
    if (!runs.isEmpty()) {
      out.println();
      RunsText.print(out, runs);
    }
    return 0;
  }

  private Recordings load() throws IOException {
    if (Traces.isTraceFile(source)) {
      return Recordings.read(Path.of(source));
    }
    try (Session session = options.open()) {
      return Traces.load(source, session.plans());
    }
  }
}
