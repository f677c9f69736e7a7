package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import dev.obd.io.BlockSources;
import dev.obd.io.ExtentMap;
import dev.obd.io.WritableBlockSource;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * A disk with a writable layer on top of sealed ones, or alone. Thread-safe; owns what it is made
 * of. Reads run beside writes; a read that overlaps a write gets old or new bytes per sector.
 */
public final class WritableStack implements WritableBlockSource, ExtentMap {
  /** Replaced by {@link #restack}; reads in flight finish on the one they began with. */
  private volatile StackTop top;

  /** Writers share it, {@link #restack} has it alone. Reads do without. */
  private final ReadWriteLock restacking = new ReentrantReadWriteLock();

  private WritableStack(StackTop top) {
    this.top = top;
  }

  /**
   * Puts {@code upper} on {@code lower}. The disk has the size of {@code upper}; if that is 0 it
   * takes over the size of {@code lower}, durably.
   *
   * @param upper owned by the stack from here on, but left open if this throws; not written yet
   *     since it was opened
   * @param lower likewise
   */
  public static WritableStack open(WritableLayer upper, Optional<LayerStack> lower)
      throws IOException {
    if (lower.isPresent()) {
      upper.stackOn(lower.get());
      if (upper.virtualSize() == 0) {
        // A writable disk is made of whole sectors.
        upper.resize((lower.get().size() + SECTOR - 1) / SECTOR * SECTOR);
      }
    }
    return new WritableStack(new StackTop(upper, lower.orElse(null)));
  }

  /** The writable layer. While it is part of a stack, write through the stack. */
  public WritableLayer upper() {
    return top.upper();
  }

  /** The sealed layers. */
  public Optional<LayerStack> lower() {
    return Optional.ofNullable(top.lower());
  }

  /** Both of one moment. */
  StackTop top() {
    return top;
  }

  /**
   * Seals the writable layer where it is and goes on writing to {@code fresh} above it: a snapshot
   * without a copy. Writes wait meanwhile, reads do not. A {@code fresh} layer of size 0 takes over
   * the size of the disk.
   *
   * @param fresh an empty layer; owned by the stack from here on, but left open if this throws
   * @throws IOException also if the stack is full; if sealing began, the disk may take no more
   *     writes until it is opened anew
   */
  public void restack(WritableLayer fresh) throws IOException {
    restack(fresh, () -> {});
  }

  /** What has to be true before the first write goes to a new layer. */
  @FunctionalInterface
  public interface Commitment {
    void make() throws IOException;
  }

  /**
   * {@link #restack(WritableLayer)} in two phases.
   *
   * @param commitment made when all is prepared, while writes wait: whoever opens the disk after a
   *     crash has to find {@code fresh} if anything was written to it. If it throws, this does
   */
  public void restack(WritableLayer fresh, Commitment commitment) throws IOException {
    restacking.writeLock().lock();
    try {
      StackTop old = top;
      List<SealedLayer> layers =
          new ArrayList<>(old.lower() == null ? List.of() : old.lower().layers());
      if (layers.size() == LayerStack.MAX_LAYERS) {
        throw new IOException(name() + ": full, " + layers.size() + " layers");
      }
      if (fresh.segments() > 0) {
        throw new IOException(fresh.name() + ": a new layer must be empty");
      }
      if (fresh.virtualSize() == 0) {
        fresh.resize(old.upper().virtualSize());
      }
      old.upper().seal();
      layers.add(SealedLayer.open(new SealedUpper(old.upper())));
      LayerStack lower = LayerStack.open(layers);
      fresh.stackOn(lower);
      commitment.make();
      top = new StackTop(fresh, lower);
    } finally {
      restacking.writeLock().unlock();
    }
  }

  /**
   * Changes the size of the disk, durably. Writes wait meanwhile, reads do not. A sparse layer can
   * only grow.
   *
   * @param newSize bytes, a multiple of 512
   */
  public void resize(long newSize) throws IOException {
    restacking.writeLock().lock();
    try {
      top.upper().resize(newSize);
    } finally {
      restacking.writeLock().unlock();
    }
  }

  @Override
  public long size() {
    return top.upper().virtualSize();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    top.read(offset, dst);
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    Lock shared = restacking.readLock();
    shared.lock();
    try {
      top.upper().write(offset, src);
    } finally {
      shared.unlock();
    }
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    Lock shared = restacking.readLock();
    shared.lock();
    try {
      top.upper().discard(offset, length);
    } finally {
      shared.unlock();
    }
  }

  @Override
  public void flush() throws IOException {
    Lock shared = restacking.readLock();
    shared.lock();
    try {
      top.upper().flush();
    } finally {
      shared.unlock();
    }
  }

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    BlockSources.checkRange(this, offset, length);
    top.extents(offset, length, visitor);
  }

  @Override
  public String name() {
    StackTop now = top;
    return now.upper().name() + (now.lower() == null ? "" : " on " + now.lower().name());
  }

  @Override
  public boolean evict(long offset, long length) throws IOException {
    @Nullable LayerStack lower = top.lower();
    return lower != null && lower.evict(offset, length);
  }

  @Override
  public void close() throws IOException {
    StackTop now = top;
    List<Closeable> parts =
        now.lower() == null ? List.of(now.upper()) : List.of(now.upper(), now.lower());
    Closing.all(parts);
  }
}
