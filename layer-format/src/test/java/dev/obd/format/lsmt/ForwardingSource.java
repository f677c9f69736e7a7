package dev.obd.format.lsmt;

import dev.obd.io.BlockSource;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Another source; tests override what they watch. */
class ForwardingSource implements BlockSource {
  private final BlockSource next;

  ForwardingSource(BlockSource next) {
    this.next = next;
  }

  @Override
  public long size() {
    return next.size();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    next.read(offset, dst);
  }

  @Override
  public String name() {
    return next.name();
  }

  @Override
  public boolean evict(long offset, long length) throws IOException {
    return next.evict(offset, length);
  }

  @Override
  public void close() throws IOException {
    next.close();
  }
}
