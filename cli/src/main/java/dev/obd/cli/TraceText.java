package dev.obd.cli;

import dev.obd.backstore.inspect.TraceReport;
import java.io.PrintWriter;
import java.util.Locale;

/** What a trace adds up to, as text. */
final class TraceText {
  private TraceText() {}

  static void summary(PrintWriter out, TraceReport report) {
    new Facts(out)
        .add(
            "trace",
            report.records()
                + " records, "
                + Facts.bytes(report.bytes())
                + ", "
                + Sizes.show(report.uniqueBytes())
                + " without repetitions");
    for (TraceReport.Layer layer : report.layers()) {
      out.println(
          String.format(
              Locale.ROOT,
              "  layer %-8d%8d records  %10s  %10s unique",
              layer.layer(),
              layer.records(),
              Sizes.show(layer.bytes()),
              Sizes.show(layer.uniqueBytes())));
    }
  }
}
