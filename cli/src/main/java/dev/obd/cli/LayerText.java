package dev.obd.cli;

import dev.obd.backstore.inspect.LayerReport;
import dev.obd.backstore.inspect.LayerReport.Compression;
import dev.obd.backstore.inspect.LayerReport.Header;
import dev.obd.backstore.inspect.LayerReport.Layer;
import dev.obd.backstore.inspect.LayerReport.Segments;
import java.io.PrintWriter;
import java.util.Locale;
import picocli.CommandLine;

/** A layer's report as text. */
final class LayerText {
  private final PrintWriter out;
  private final PrintWriter err;

  LayerText(CommandLine line) {
    this.out = line.getOut();
    this.err = line.getErr();
  }

  /** Prints the report; the exit status that goes with it. */
  int print(LayerReport report, boolean json) {
    if (json) {
      Json.print(out, "layer", report);
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

  private void text(LayerReport report) {
    Facts facts = new Facts(out);
    facts.add("file", report.name()).add("size", Facts.bytes(report.fileBytes()));
    if (!report.tar().variant().equals("none")) {
      facts.add(
          "tar",
          report.tar().variant()
              + ", payload of "
              + report.tar().payloadBytes()
              + " bytes at "
              + report.tar().payloadOffset());
    }
    if (report.zfile() != null) {
      zfile(facts, report.zfile());
    }
    if (report.lsmt() != null) {
      layer(facts, report.lsmt());
    }
    if (report.damage() == null) {
      facts.add(
          "checked",
          report.verified()
              ? "every block"
              : "headers, jump table and index; --verify checks every block");
    }
    report.warnings().forEach(warning -> facts.add("warning", warning));
  }

  private static void zfile(Facts facts, Compression zfile) {
    facts
        .add(
            "zfile",
            zfile.algorithm()
                + ", "
                + zfile.blocks()
                + " blocks of "
                + Sizes.show(zfile.blockBytes())
                + ", "
                + (zfile.checksums() ? "checksums" : "no checksums")
                + ", "
                + (zfile.digests() ? "digests" : "no digests"))
        .add("  content", Facts.bytes(zfile.originalBytes()))
        .add(
            "  index",
            "at "
                + zfile.indexOffset()
                + (zfile.indexCrc() == null ? "" : ", crc " + zfile.indexCrc()))
        .add(
            "  flags",
            "header 0x"
                + Long.toHexString(zfile.headerFlags())
                + (zfile.headerOverwritten() ? " (overwritten: the trailer is not needed)" : "")
                + (zfile.trailerFlags() == null
                    ? ""
                    : ", trailer 0x" + Long.toHexString(zfile.trailerFlags())))
        .add("  dictionary", zfile.dictionaryBytes() == 0 ? null : zfile.dictionaryBytes());
  }

  private static void layer(Facts facts, Layer layer) {
    facts
        .add("layer", layer.kind().name().toLowerCase(Locale.ROOT).replace('_', ' '))
        .add(
            "virtual size",
            layer.virtualSize() == 0 ? "as the layers below" : Facts.bytes(layer.virtualSize()))
        .add("uuid", layer.uuid() == null ? "not set" : layer.uuid())
        .add("parent", layer.parentUuid() == null ? "not set" : layer.parentUuid())
        .add("message", layer.userTag());
    Segments segments = layer.segments();
    if (segments != null) {
      facts
          .add(
              "segments",
              segments.total()
                  + " ("
                  + segments.data()
                  + " data, "
                  + segments.zeroed()
                  + " zeroed), "
                  + segments.records()
                  + " index records")
          .add("data", Facts.bytes(segments.dataBytes()))
          .add("zeroed", Facts.bytes(segments.zeroedBytes()));
    }
    facts.add("header", header(layer.header()));
    if (layer.trailer() != null) {
      facts.add("trailer", header(layer.trailer()));
    }
  }

  private static String header(Header header) {
    return "at "
        + header.offset()
        + ", flags 0x"
        + Integer.toHexString(header.flags())
        + ", index at "
        + Long.toUnsignedString(header.indexOffset())
        + " with "
        + Long.toUnsignedString(header.indexCount())
        + " records, version "
        + header.version();
  }
}
