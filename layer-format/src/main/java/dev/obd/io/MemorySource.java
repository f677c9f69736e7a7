package dev.obd.io;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Bytes in memory. */
final class MemorySource implements BlockSource {
  private final String name;
  private final ByteBuffer bytes;

  MemorySource(String name, ByteBuffer bytes) {
    this.name = name;
    this.bytes = bytes;
  }

  @Override
  public long size() {
    return bytes.capacity();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    dst.put(bytes.slice((int) offset, dst.remaining()));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void close() {}
}
