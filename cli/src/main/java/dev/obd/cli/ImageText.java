package dev.obd.cli;

import dev.obd.backstore.inspect.ImageReport;
import dev.obd.backstore.inspect.ImageReport.Content;
import dev.obd.backstore.inspect.ImageReport.Layer;
import java.io.PrintWriter;
import java.util.Locale;
import picocli.CommandLine;

/** An image's report as text. */
final class ImageText {
  private final PrintWriter out;
  private final PrintWriter err;

  ImageText(CommandLine line) {
    this.out = line.getOut();
    this.err = line.getErr();
  }

  /** Prints the report; the exit status that goes with it. */
  int print(ImageReport report, boolean json) {
    if (json) {
      Json.print(out, report.digest() == null ? "config" : "image", report);
    } else {
      text(report);
    }
    if (report.damage() != null) {
      out.flush();
      err.println("obd: " + report.damage());
      return 1;
    }
    return 0;
  }

  private void text(ImageReport report) {
    Facts facts = new Facts(out);
    facts
        .add(report.digest() == null ? "config" : "image", report.name())
        .add("digest", report.digest())
        .add("media type", report.mediaType())
        .add("platform", report.platform())
        .add("created", report.created())
        .add(
            "virtual size", report.virtualSize() == null ? null : Facts.bytes(report.virtualSize()))
        .add("file system", report.fileSystem());
    for (int i = 0; i < report.layers().size(); i++) {
      layer(facts, i, report.layers().get(i));
    }
    if (report.upper() != null) {
      facts.add("writable", report.upper().data()).add("  index", report.upper().index());
    }
    if (report.trace() == null) {
      facts.add("trace", "none");
    } else {
      TraceText.summary(out, report.trace());
    }
    report.warnings().forEach(warning -> facts.add("warning", warning));
  }

  private static void layer(Facts facts, int number, Layer layer) {
    facts.add(
        "layer " + number,
        (layer.digest() == null ? layer.file() : layer.digest())
            + (layer.size() == null ? "" : ", " + Sizes.show(layer.size()))
            + ", "
            + layer.location().name().toLowerCase(Locale.ROOT)
            + (layer.trace() ? ", trace" : "")
            + (layer.hot() ? ", hot" : ""));
    Content content = layer.content();
    if (content != null) {
      facts.add(
          "",
          content.segments()
              + " segments, data "
              + Sizes.show(content.dataBytes())
              + ", zeroed "
              + Sizes.show(content.zeroedBytes()));
    }
    layer
        .annotations()
        .forEach(
            (key, value) -> facts.add("", key.substring(key.lastIndexOf('/') + 1) + "=" + value));
  }
}
