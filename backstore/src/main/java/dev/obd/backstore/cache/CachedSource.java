package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Prefetchable;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * A blob read through the cache: an object whose filler is the blob's origin, which it owns. What
 * is on disk and verified comes from there, the rest from the origin, in whole units, one request
 * per missing range however many readers want it.
 */
public final class CachedSource implements Prefetchable {
  private final CacheObject object;
  private final BlockSource origin;

  CachedSource(CacheObject object, BlockSource origin) {
    this.object = object;
    this.origin = origin;
  }

  @Override
  public long size() {
    return object.size();
  }

  @Override
  public String name() {
    return origin.name();
  }

  @Override
  public long unitBytes() {
    return object.unitBytes();
  }

  /** What a reader that misses something gets, as an aligned window, in bytes. */
  public long refillBytes() {
    return object.refillBytes();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    object.read(offset, dst);
  }

  @Override
  public void prefetch(Range range) throws IOException {
    object.prefetch(range);
  }

  @Override
  public void streamIn(Range range, BooleanSupplier wanted) throws IOException {
    object.streamIn(range, wanted);
  }

  /**
   * Makes the bytes of {@code ranges} present, in few requests: missing units are merged across
   * gaps of up to {@code gapBytes} into requests of up to {@code requestBytes}; present units and
   * those another thread is fetching are skipped. Requests are made one after the other on this
   * thread, in the order in which {@code ranges} first needs them, under its {@link ReadContext}.
   *
   * @throws IOException if a request failed; what was fetched before stays
   */
  public void prefetch(List<Range> ranges) throws IOException {
    object.prefetch(ranges);
  }

  /**
   * The requests {@link #prefetch(List)} would make now, so that a caller can make them on several
   * threads: each is at most {@code requestBytes} long. What the cache cannot hold is left out.
   */
  public List<Range> missing(List<Range> ranges) {
    return object.missing(ranges);
  }

  /** True if every unit of {@code range} is on disk; its content is verified when it is read. */
  public boolean isPresent(Range range) {
    return object.isPresent(range);
  }

  /** Bytes of this blob on disk, in whole units. */
  public long presentBytes() {
    return object.presentBytes();
  }

  /** Drops the units the range touches; true, because the origin can be asked again. */
  @Override
  public boolean evict(long offset, long length) throws IOException {
    long from = Math.min(Math.max(0, offset), size());
    Range range = new Range(from, Math.min(Math.max(0, length), size() - from));
    if (range.length() > 0) {
      object.evict(range);
      origin.evict(range.offset(), range.length());
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    try (origin) {
      object.close();
    }
  }
}
