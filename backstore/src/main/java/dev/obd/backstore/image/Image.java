package dev.obd.backstore.image;

import dev.obd.backstore.device.Disk;
import dev.obd.backstore.prefetch.ReplayOptions;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.WritableStack;
import dev.obd.io.BlockSource;
import dev.obd.io.ExtentMap;
import dev.obd.io.Range;
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
  private final String name;
  private final Optional<LayerStack> stack;
  private final Optional<WritableStack> writable;
  private final BlockSource top;
  private final ExtentMap extents;
  private final List<BlockSource> layers;
  private final Optional<Replayer> replayer;
  private final Executor executor;
  private final Deque<Closeable> open;
  private final Prefetches prefetches = new Prefetches();

  /**
   * @param open what closing the image closes, first the newest: the replay before the layers it
   *     reads
   */
  Image(
      String name,
      Optional<LayerStack> stack,
      Optional<WritableStack> writable,
      List<BlockSource> layers,
      Optional<Replayer> replayer,
      Executor executor,
      Deque<Closeable> open) {
    this.name = name;
    this.stack = stack;
    this.writable = writable;
    this.top = writable.isPresent() ? writable.get() : stack.orElseThrow();
    this.extents = writable.isPresent() ? writable.get() : stack.orElseThrow();
    this.layers = layers;
    this.replayer = replayer;
    this.executor = executor;
    this.open = open;
    open.push(prefetches);
  }

  public String name() {
    return name;
  }

  /** The read-only layers as one disk; empty if there is only a writable layer. */
  public Optional<LayerStack> stack() {
    return stack;
  }

  /** The writable layer over the others; empty for a read-only image. */
  public Optional<WritableStack> writableStack() {
    return writable;
  }

  /** The replay of this image's trace; empty if it has none or replay is off. */
  public Optional<Replayer> replayer() {
    return replayer;
  }

  @Override
  public long size() {
    return top.size();
  }

  @Override
  public boolean writable() {
    return writable.isPresent();
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
    if (writable.isPresent()) {
      writable.get().flush();
    }
  }

  private WritableStack upper() {
    return writable.orElseThrow(() -> new IllegalStateException(name + " is read-only"));
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
    if (stack.isPresent()) {
      LayerStack below = stack.get();
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
  public synchronized void close() throws IOException {
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
