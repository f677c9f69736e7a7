package dev.obd.format.lsmt;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.nio.ByteBuffer;

/** The data file of a writable layer that was just sealed; closing it closes the layer. */
final class SealedUpper implements BlockSource {
  private final WritableLayer layer;
  private final BlockSource data;
  private final long size;

  SealedUpper(WritableLayer layer) {
    this.layer = layer;
    this.data = layer.data();
    this.size = data.size();
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    data.read(offset, dst);
  }

  @Override
  public String name() {
    return data.name();
  }

  @Override
  public void close() throws IOException {
    layer.close();
  }
}
