package dev.obd.cli;

import dev.obd.backstore.inspect.TraceReport;
import dev.obd.backstore.inspect.Traces;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
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
      "Print the records of a trace in file order, and what they add up to per layer.",
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
      description = "A trace file, or an image or overlaybd config.v1.json that has a trace.")
  private String source;

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  /** One JSON document. */
  private record Document(
      String name,
      long bytes,
      long uniqueBytes,
      List<TraceReport.Layer> layers,
      List<Access> records) {}

  @Override
  public Integer call() throws Exception {
    Trace trace = load();
    TraceReport report = TraceReport.of(trace);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(
          out,
          "trace",
          new Document(source, report.bytes(), report.uniqueBytes(), report.layers(), trace));
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
    return 0;
  }

  private Trace load() throws IOException {
    if (Traces.isTraceFile(source)) {
      return dev.obd.trace.TraceFile.read(Path.of(source));
    }
    try (Session session = options.open()) {
      return Traces.load(source, session.plans());
    }
  }
}
