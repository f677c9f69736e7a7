package dev.obd.format.lsmt;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/** The bytes of a writable layer's data file. Closing it does nothing: the layer owns the file. */
final class LayerData implements BlockSource {
  private final StoreFile file;

  LayerData(StoreFile file) {
    this.file = file;
  }

  @Override
  public long size() {
    try {
      return file.size();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    file.read(offset, dst);
  }

  @Override
  public String name() {
    return file.name();
  }

  @Override
  public void close() {}
}
