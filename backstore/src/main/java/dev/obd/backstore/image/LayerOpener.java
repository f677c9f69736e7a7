package dev.obd.backstore.image;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.source.MeteredSource;
import dev.obd.backstore.source.ReadRecorders;
import dev.obd.backstore.source.ScheduledSource;
import dev.obd.backstore.source.TracedSource;
import dev.obd.format.LayerFile;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.io.BlockSource;
import dev.obd.io.Ticker;
import dev.obd.trace.AccessSink;
import java.io.IOException;
import java.util.Optional;

/** Builds the chain of one layer, bottom to top: this method is the read path. */
final class LayerOpener {
  private final BlobCache cache;
  private final Links links;
  private final ReadRecorders recorders;
  private final Ticker ticker;

  LayerOpener(BlobCache cache, Links links, ReadRecorders recorders, Ticker ticker) {
    this.cache = cache;
    this.links = links;
    this.recorders = recorders;
    this.ticker = ticker;
  }

  /** Opens layer {@code number} (0 = lowest) of an image. On failure nothing stays open. */
  SealedLayer open(int number, LayerOrigin origin, Optional<AccessSink> recorder, boolean fillCache)
      throws IOException {
    BlockSource source = origin.opener().open();
    try {
      String name = source.name();
      if (origin.link().isPresent()) {
        source = MeteredSource.of(source, recorders.remote(name), ticker);
        source = new ScheduledSource(source, links.of(origin.link().get()));
        source = cache.source(origin.digest().orElseThrow(), source, fillCache);
        source = MeteredSource.of(source, recorders.cached(name), ticker);
      } else {
        source = MeteredSource.of(source, recorders.local(name), ticker);
      }
      source = LayerFile.open(source);
      if (recorder.isPresent()) {
        source = new TracedSource(source, number, recorder.get());
      }
      return SealedLayer.open(source);
    } catch (IOException | RuntimeException e) {
      try {
        source.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }
}
