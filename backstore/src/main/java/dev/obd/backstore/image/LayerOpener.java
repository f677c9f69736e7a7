package dev.obd.backstore.image;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CachedSource;
import dev.obd.backstore.image.ImageOpenException.Part;
import dev.obd.backstore.image.ImageOpenException.Stage;
import dev.obd.backstore.source.GuardedSource;
import dev.obd.backstore.source.MeteredSource;
import dev.obd.backstore.source.OriginHealth;
import dev.obd.backstore.source.ReadRecorder;
import dev.obd.backstore.source.ReadRecorders;
import dev.obd.backstore.source.ReadaheadSource;
import dev.obd.backstore.source.ScheduledSource;
import dev.obd.backstore.source.SwitchedSource;
import dev.obd.backstore.source.TracedSource;
import dev.obd.backstore.startlog.StartEvent.Kind;
import dev.obd.backstore.startlog.StartRecorder;
import dev.obd.format.LayerFile;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.io.BlockSource;
import dev.obd.io.FailureText;
import dev.obd.io.Ticker;
import dev.obd.trace.AccessSink;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Builds the chain of one layer, bottom to top: this class is the read path. */
final class LayerOpener {
  private static final Logger log = LogManager.getLogger(LayerOpener.class);

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

  /**
   * What is the same for all layers of an image.
   *
   * @param accesses is told of every read
   * @param remote is told of every read over a network
   * @param fill whether what is fetched is kept
   * @param log is told of every read at every place, if there is one
   * @param readahead runs what is fetched ahead of who reads in order; empty: nothing is
   */
  record Use(
      AccessSink accesses,
      ReadRecorder remote,
      boolean fill,
      Optional<StartRecorder> log,
      Optional<Executor> readahead) {}

  /**
   * Opens layer {@code number} (0 = lowest) of an image. On failure nothing stays open. A local
   * copy whose wrapping is damaged gives way to the original, if there is one.
   *
   * @param what names the layer in messages
   */
  OpenedLayer open(String what, int number, LayerOrigin origin, Use use) throws ImageOpenException {
    try {
      return new Chain(what, number, origin, use).open();
    } catch (ImageOpenException e) {
      boolean copyIsBad = e.part() instanceof Part.Layer l && l.stage() != Stage.INDEX;
      if (!copyIsBad || origin.otherwise().isEmpty()) {
        throw e;
      }
      log.warn("layer.copy.damaged layer={} reason={}", origin.name(), e.getMessage());
      try {
        return open(what, number, origin.otherwise().get(), use);
      } catch (ImageOpenException second) {
        e.addSuppressed(second);
        throw e;
      }
    }
  }

  /** A layer's blob for reading it whole, once, behind everybody else: what is here is used. */
  BlockSource background(LayerOrigin origin) throws IOException {
    return origin.link().isEmpty() ? origin.opener().open() : behind(origin, false);
  }

  /** A remote layer's blob for bringing all of it into the cache, behind everybody else. */
  CachedSource filling(LayerOrigin origin) throws IOException {
    return behind(origin, true);
  }

  private CachedSource behind(LayerOrigin origin, boolean keep) throws IOException {
    BlockSource source = origin.opener().open();
    source = MeteredSource.of(source, recorders.background(source.name()), ticker);
    source = new ScheduledSource(source, links.of(origin.link().orElseThrow()));
    return cache.source(origin.digest().orElseThrow(), source, keep, origin.place());
  }

  private final class Chain {
    private final String what;
    private final int number;
    private final LayerOrigin origin;
    private final Use use;
    private Stage stage = Stage.BLOB;
    private Optional<CachedSource> cached = Optional.empty();
    private Optional<SwitchedSource> switched = Optional.empty();
    private Optional<OriginHealth> health = Optional.empty();

    Chain(String what, int number, LayerOrigin origin, Use use) {
      this.what = what;
      this.number = number;
      this.origin = origin;
      this.use = use;
    }

    OpenedLayer open() throws ImageOpenException {
      BlockSource source = null;
      try {
        source = origin.opener().open();
        source = blob(source);
        long blobBytes = source.size();
        stage = Stage.WRAPPING;
        source = LayerFile.open(source);
        source = new TracedSource(source, number, use.accesses());
        source = logged(Kind.LAYER, source);
        stage = Stage.INDEX;
        return new OpenedLayer(
            SealedLayer.open(source), origin, blobBytes, cached, switched, health);
      } catch (IOException | RuntimeException e) {
        if (source != null) {
          closeQuietly(source, e);
        }
        throw new ImageOpenException(
            new Part.Layer(number, origin, stage), what + ": " + FailureText.of(e), e);
      }
    }

    /** The raw blob: what is remote by way of the cache. */
    private BlockSource blob(BlockSource from) {
      String name = from.name();
      if (origin.link().isEmpty()) {
        return MeteredSource.of(from, recorders.local(name), ticker);
      }
      BlockSource source = MeteredSource.of(from, recorders.remote(name), ticker);
      source = new MeteredSource(source, use.remote(), ticker);
      source = logged(Kind.WIRE, source);
      String link = origin.link().get();
      OriginHealth origins = links.healthOf(link);
      health = Optional.of(origins);
      source = logged(Kind.TURN, new ScheduledSource(source, links.of(link)));
      source = new GuardedSource(source, from, origins);
      CachedSource kept =
          cache.source(origin.digest().orElseThrow(), source, use.fill(), origin.place());
      cached = Optional.of(kept);
      source = kept;
      if (use.readahead().isPresent()) {
        source = new ReadaheadSource(kept, use.readahead().get(), ticker);
      }
      source = MeteredSource.of(source, recorders.cached(name), ticker);
      if (origin.directory().isPresent()) {
        SwitchedSource replaceable = new SwitchedSource(source);
        switched = Optional.of(replaceable);
        source = replaceable;
      }
      return logged(Kind.BLOB, source);
    }

    private BlockSource logged(Kind kind, BlockSource source) {
      return use.log().isEmpty()
          ? source
          : MeteredSource.of(source, use.log().get().layer(kind, number), ticker);
    }
  }

  private static void closeQuietly(BlockSource source, Exception cause) {
    try {
      source.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }
}
