package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder;
import dev.obd.backstore.build.ImageBuilder.BaseImage;
import dev.obd.backstore.build.ImageBuilder.Hot;
import dev.obd.backstore.build.PackOptions;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.store.ImageStore;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.Locale;

/**
 * What a hot layer costs, as commands print it. Sizes are bytes.
 *
 * @param blobBytes of the hot layer: what the registry stores more
 * @param repeatedBytes of the disk that it repeats, uncompressed; none twice
 * @param ranges of the disk, in the order of first touch
 * @param belowBytes of the blobs of the layers below it
 * @param percentOfImage {@code blobBytes} of {@code belowBytes}
 * @param replaced whether it took the place of another hot layer
 */
record HotImage(
    long blobBytes,
    long repeatedBytes,
    int ranges,
    long belowBytes,
    double percentOfImage,
    boolean replaced) {

  static HotImage of(Hot hot) {
    long blob = hot.built().layerBytes();
    double percent = hot.belowBytes() == 0 ? 0 : Math.round(10_000.0 * blob / hot.belowBytes());
    return new HotImage(
        blob,
        hot.dataBytes(),
        hot.ranges(),
        hot.belowBytes(),
        percent / 100,
        hot.hotLayerRemoved());
  }

  /** Makes the image; what the trace needs is fetched meanwhile, many requests at a time. */
  static Hot build(
      Session session,
      ImagePlans.Source.Stored base,
      Trace trace,
      boolean replace,
      ImageStore.Target target,
      PackOptions packing,
      Terminal terminal)
      throws IOException {
    ImageBuilder builder = session.builder().withSaving(terminal.progress("saving"));
    try (Image disk =
        session
            .opener()
            .open(
                base.plan().withTrace(new TraceUse.Replay(() -> Recordings.of(trace))),
                OpenOptions.DEFAULTS)) {
      return builder.addHotLayer(
          new BaseImage(base.image(), disk), trace, replace, target, packing, Instant.now());
    }
  }

  void print(PrintWriter out) {
    out.println(
        String.format(
            Locale.ROOT,
            "hot     %d bytes (%s) more to store, %.2f %% of the layers below",
            blobBytes,
            Sizes.show(blobBytes),
            percentOfImage));
    out.println(
        "        repeats "
            + Facts.bytes(repeatedBytes)
            + " of the disk in "
            + ranges
            + (ranges == 1 ? " range" : " ranges")
            + (replaced ? "; took the place of another hot layer" : ""));
  }
}
