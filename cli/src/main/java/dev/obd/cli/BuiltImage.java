package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder.Built;
import java.io.PrintWriter;

/**
 * An image that was made, as commands print it.
 *
 * @param digest of the manifest
 * @param layerBytes size of the new data layer, 0 if there is none
 * @param traceRecords in the new trace layer, 0 if there is none
 * @param traceRemoved whether a trace of the image below was left out
 */
record BuiltImage(
    String name,
    String digest,
    int layers,
    long layerBytes,
    int traceRecords,
    boolean traceRemoved) {
  static BuiltImage of(Built built) {
    return new BuiltImage(
        built.name(),
        built.manifest().digest().value(),
        built.layers(),
        built.layerBytes(),
        built.traceRecords(),
        built.traceRemoved());
  }

  void print(PrintWriter out, boolean json) {
    if (json) {
      Json.print(out, this);
      return;
    }
    out.println("name    " + name);
    out.println("digest  " + digest);
    if (layerBytes > 0) {
      out.println("layer   " + layerBytes + " bytes (" + Sizes.show(layerBytes) + ")");
    }
    if (traceRecords > 0) {
      out.println("trace   " + traceRecords + " records");
    }
    out.println("layers  " + layers);
  }
}
