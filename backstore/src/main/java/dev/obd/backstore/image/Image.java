package dev.obd.backstore.image;

import dev.obd.backstore.device.Disk;
import dev.obd.backstore.device.StallReport;
import dev.obd.backstore.download.Downloads;
import dev.obd.backstore.prefetch.ReplayOptions;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.backstore.source.GuardedSource;
import dev.obd.backstore.source.ReadStats;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.format.lsmt.WritableStack;
import dev.obd.io.BlockSource;
import dev.obd.io.ExtentMap;
import dev.obd.io.Range;
import dev.obd.trace.AccessTap;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * An opened image: the merged layers, the writable layer above them if there is one, and the replay
 * that fills the cache.
 */
public final class Image implements Disk {
  /**
   * What an image is made of.
   *
   * @param stack the read-only layers as one disk; empty if there is only a writable layer
   * @param writable the writable layer over the others; empty for a read-only image
   * @param accesses hears of every read of a layer
   * @param remote counts reads over a network
   */
  record Parts(
      Optional<LayerStack> stack,
      Optional<WritableStack> writable,
      List<OpenedLayer> layers,
      Optional<Replayer> replayer,
      Optional<Downloads> download,
      AccessTap accesses,
      ReadStats remote) {}

  private final String name;
  private final Parts parts;
  private final BlockSource top;
  private final ExtentMap extents;
  private final List<BlockSource> layers;
  private final Executor executor;
  private final Deque<Closeable> open; // guarded by this
  private volatile boolean closing;
  private final Prefetches prefetches = new Prefetches();

  /**
   * Puts an image together.
   *
   * @param top the layers as one disk, as they are to be read
   * @param open what closing the image closes, first the newest: the replay before the layers it
   *     reads
   */
  Image(String name, Parts parts, BlockSource top, Executor executor, Deque<Closeable> open) {
    this.name = name;
    this.parts = parts;
    this.top = top;
    this.extents =
        parts.writable().isPresent() ? parts.writable().get() : parts.stack().orElseThrow();
    this.layers = parts.layers().stream().map(layer -> layer.sealed().source()).toList();
    this.executor = executor;
    this.open = open;
    open.push(prefetches);
  }

  public String name() {
    return name;
  }

  /** The read-only layers as one disk; empty if there is only a writable layer. */
  public Optional<LayerStack> stack() {
    return parts.stack();
  }

  /** The writable layer over the others; empty for a read-only image. */
  public Optional<WritableStack> writableStack() {
    return parts.writable();
  }

  /** The replay of this image's trace; empty if it has none or replay is off. */
  public Optional<Replayer> replayer() {
    return parts.replayer();
  }

  /** The download of this image's layers; empty if none is to be downloaded. */
  public Optional<Downloads> download() {
    return parts.download();
  }

  /** Hears of every read of a layer, from the first one of opening it. */
  public AccessTap accesses() {
    return parts.accesses();
  }

  /** Counts the reads that went over a network, those of the replay included. */
  public ReadStats remoteReads() {
    return parts.remote();
  }

  @Override
  public Optional<StallReport> stall() {
    return parts.layers().stream().flatMap(layer -> layer.stall().stream()).findFirst();
  }

  @Override
  public boolean isDown() {
    return parts.layers().stream().anyMatch(OpenedLayer::isDown);
  }

  @Override
  public boolean mayPass(Throwable failure) {
    return GuardedSource.mayPass(failure);
  }

  /** Where each layer is, lowest first. */
  public List<LayerState> layerStates() {
    return parts.layers().stream().map(OpenedLayer::state).toList();
  }

  /**
   * How much of it is on this machine, whoever brought it: looks at the records of the caches on
   * disk, about 16 thousand small reads per GiB. Empty once it is closed.
   */
  public Optional<Locality> locality() {
    return count().of(parts.replayer());
  }

  /**
   * How much of what its recordings say will be read is on this machine, whoever brought it. Empty
   * without recordings that can be used, if not all that is recorded is planned, and once it is
   * closed.
   */
  public Optional<Locality.Part> recordedHere() {
    return count().recorded(parts.replayer());
  }

  /** Takes long, and must not keep anybody from closing: it stops when that begins. */
  private LocalityCount count() {
    return new LocalityCount(parts.layers(), this::whileOpen);
  }

  private synchronized boolean whileOpen(Runnable step) {
    if (closing || open.isEmpty()) {
      return false;
    }
    step.run();
    return true;
  }

  /**
   * Changes the size of a writable image, durably; what a smaller one cuts off is gone.
   *
   * @param newSize bytes, a multiple of 512
   */
  public void resize(long newSize) throws IOException {
    long cut = size() - newSize;
    if (cut > 0) {
      upper().discard(newSize, cut); // else it would be back when the disk grows again
    }
    upper().resize(newSize);
  }

  /**
   * Seals the writable layer where it is, and goes on writing to {@code files} above it; see {@link
   * WritableStack#restack(WritableLayer, WritableStack.Commitment)}.
   *
   * @param commitment makes those who open the image later find {@code files}
   */
  public void restack(ImagePlan.UpperFiles files, WritableStack.Commitment commitment)
      throws IOException {
    WritableStack stack = upper();
    WritableLayer fresh = ImageOpener.openUpper(files);
    try {
      stack.restack(fresh, commitment);
    } catch (IOException | RuntimeException e) {
      try {
        fresh.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
    synchronized (this) {
      if (!open.isEmpty()) {
        open.push(fresh);
        return;
      }
    }
    fresh.close(); // the image was closed meanwhile
  }

  @Override
  public long size() {
    return top.size();
  }

  @Override
  public boolean writable() {
    return parts.writable().isPresent();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    top.read(offset, dst);
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    upper().write(offset, src);
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    upper().discard(offset, length);
  }

  @Override
  public void flush() throws IOException {
    if (parts.writable().isPresent()) {
      parts.writable().get().flush();
    }
  }

  private WritableStack upper() {
    return parts.writable().orElseThrow(() -> new IllegalStateException(name + " is read-only"));
  }

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    extents.extents(offset, length, visitor);
  }

  /**
   * A hint must not hold up the client that gives it: this returns at once. Hints that come faster
   * than they can be followed are dropped.
   */
  @Override
  public void prefetch(long offset, long length) throws IOException {
    if (parts.stack().isPresent()) {
      LayerStack below = parts.stack().get();
      Replayer.TraceLoader loader =
          () -> LayerAccesses.of(below, List.of(new Range(offset, length)));
      prefetches.start(() -> Replayer.start(name, layers, loader, ReplayOptions.DEFAULT, executor));
    }
  }

  /** The opened layers, lowest first, as uncompressed LSMT streams. */
  public List<BlockSource> layers() {
    return layers;
  }

  @Override
  public void close() throws IOException {
    closing = true;
    closeParts();
  }

  private synchronized void closeParts() throws IOException {
    IOException failure = null;
    for (Closeable part = open.poll(); part != null; part = open.poll()) {
      try {
        part.close();
      } catch (IOException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
