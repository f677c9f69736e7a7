package dev.obd.backstore.prefetch;

import dev.obd.io.BlockSource;
import java.nio.ByteBuffer;

/** A blob of which only the size matters. */
record SizedSource(long size) implements BlockSource {
  @Override
  public void read(long offset, ByteBuffer dst) {
    throw new AssertionError("read");
  }

  @Override
  public String name() {
    return "a blob";
  }

  @Override
  public void close() {}
}
