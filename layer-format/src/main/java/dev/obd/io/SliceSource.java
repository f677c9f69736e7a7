package dev.obd.io;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Part of another source. */
final class SliceSource implements DerivedSource {
  private final BlockSource base;
  private final long start;
  private final long size;

  SliceSource(BlockSource base, long start, long size) {
    this.base = base;
    this.start = start;
    this.size = size;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    base.read(start + offset, dst);
  }

  @Override
  public boolean evict(long offset, long length) throws IOException {
    return base.evict(start + offset, length);
  }

  @Override
  public BlockSource base() {
    return base;
  }

  @Override
  public Range baseRange(long offset, long length) {
    long from = Math.min(Math.max(offset, 0), size);
    long end = Math.min(Math.max(offset + length, from), size);
    return new Range(start + from, end - from);
  }

  @Override
  public String name() {
    return base.name();
  }

  @Override
  public void close() throws IOException {
    base.close();
  }
}
