package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import java.io.IOException;
import java.nio.ByteBuffer;

/** What is here of a blob, for looking at it: that is no use of it. */
final class PresentSource implements BlockSource {
  private final CacheObject object;
  private final BlobFile blob;

  /** {@code object} has {@code blob}'s files, which were acquired for this. */
  PresentSource(CacheObject object, BlobFile blob) {
    this.object = object;
    this.blob = blob;
  }

  @Override
  public long size() {
    return object.size();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    object.read(offset, dst);
  }

  @Override
  public String name() {
    return object.digest().value();
  }

  @Override
  public void close() throws IOException {
    blob.release();
  }
}
