package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import dev.obd.io.BlockSources;
import dev.obd.io.ExtentMap;
import dev.obd.io.WritableBlockSource;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A disk with a writable layer on top of sealed ones, or alone. Thread-safe; owns what it is made
 * of. Reads run beside writes; a read that overlaps a write gets old or new bytes per sector.
 */
public final class WritableStack implements WritableBlockSource, ExtentMap {
  private final WritableLayer upper;
  private final @Nullable LayerStack lower;

  private WritableStack(WritableLayer upper, @Nullable LayerStack lower) {
    this.upper = upper;
    this.lower = lower;
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
    return new WritableStack(upper, lower.orElse(null));
  }

  /** The writable layer. */
  public WritableLayer upper() {
    return upper;
  }

  /** The sealed layers. */
  public Optional<LayerStack> lower() {
    return Optional.ofNullable(lower);
  }

  @Override
  public long size() {
    return upper.virtualSize();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    int limit = dst.limit();
    var extent = new Extent();
    long at = offset;
    try {
      while (dst.hasRemaining()) {
        upper.find(at / SECTOR, extent);
        int inSector = (int) (at % SECTOR);
        int n = (int) Math.min(dst.remaining(), extent.sectors() * SECTOR - inSector);
        dst.limit(dst.position() + n);
        switch (extent.kind()) {
          case DATA -> upper.readData(extent.dataSector() * SECTOR + inSector, dst);
          case ZERO -> Zeros.put(dst, n);
          case HOLE -> readLower(at, dst);
        }
        dst.limit(limit);
        at += n;
      }
    } finally {
      dst.limit(limit);
    }
  }

  private void readLower(long offset, ByteBuffer dst) throws IOException {
    if (lower == null) {
      Zeros.put(dst, dst.remaining());
    } else {
      lower.fill(offset, dst);
    }
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    upper.write(offset, src);
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    upper.discard(offset, length);
  }

  @Override
  public void flush() throws IOException {
    upper.flush();
  }

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    BlockSources.checkRange(this, offset, length);
    var joined = new ExtentJoiner(visitor);
    var extent = new Extent();
    long end = offset + length;
    for (long at = offset; at < end; ) {
      upper.find(at / SECTOR, extent);
      long n = Math.min(end - at, extent.sectors() * SECTOR - at % SECTOR);
      boolean more =
          (extent.kind() == Kind.HOLE && lower != null)
              ? lower.visit(at, n, joined)
              : joined.add(at, n, extent.kind());
      if (!more) {
        return;
      }
      at += n;
    }
    joined.finish();
  }

  @Override
  public String name() {
    return upper.name() + (lower == null ? "" : " on " + lower.name());
  }

  @Override
  public boolean evict(long offset, long length) throws IOException {
    return lower != null && lower.evict(offset, length);
  }

  @Override
  public void close() throws IOException {
    List<Closeable> parts = lower == null ? List.of(upper) : List.of(upper, lower);
    Closing.all(parts);
  }
}
