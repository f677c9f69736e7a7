package dev.obd.backstore.download;

import dev.obd.backstore.cache.CachedSource;
import dev.obd.io.Range;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A blob that is brought into the cache. Devices that have it open, in whatever process, read from
 * there what is there. Owns its source.
 */
public final class BlobInCache implements WholeBlob {
  private final Digest digest;
  private final CachedSource cached;

  /**
   * @param cached of that digest; keeps what it fetches
   */
  public BlobInCache(Digest digest, CachedSource cached) {
    this.digest = digest;
    this.cached = cached;
  }

  @Override
  public Digest digest() {
    return digest;
  }

  @Override
  public long size() {
    return cached.size();
  }

  @Override
  public boolean isHere(Range range) {
    return cached.isPresent(range);
  }

  @Override
  public void fetch(Range range) throws IOException {
    cached.prefetch(range);
    if (!cached.isPresent(range)) {
      throw new NoRoomException(
          cached.name()
              + ": the cache did not keep what was fetched: its disk is full or fails, or the cache"
              + " is too small",
          null);
    }
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    cached.read(offset, dst);
  }

  @Override
  public void distrust() throws IOException {
    cached.evict(0, cached.size());
  }

  @Override
  public void requireKept() throws IOException {
    if (size() > 0 && !cached.isPresent(new Range(0, size()))) {
      throw new NoRoomException(
          cached.name()
              + ": the cache did not keep all of it: there is too little room beside what is pinned"
              + " and what the disk has to keep free",
          null);
    }
  }

  @Override
  public void complete() {}

  @Override
  public void close() throws IOException {
    cached.close();
  }
}
