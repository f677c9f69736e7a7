package dev.obd.format.files;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A file's bytes; what no extent covers reads as zeros. Closing it closes nothing. */
final class FileContent implements BlockSource {
  private final BlockSource disk;
  private final String name;
  private final long size;
  private final List<Extent> extents;

  FileContent(BlockSource disk, String name, long size, List<Extent> extents) {
    this.disk = disk;
    this.name = name;
    this.size = size;
    this.extents = extents;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    int end = dst.limit();
    long at = offset;
    try {
      for (int i = firstEndingAfter(offset); dst.position() < end; i++) {
        Extent extent = i < extents.size() ? extents.get(i) : null;
        long data = extent == null ? size : Math.max(at, extent.fileOffset());
        int zeros = (int) Math.min(data - at, end - dst.position());
        zero(dst, zeros);
        at += zeros;
        if (extent != null && dst.position() < end) {
          int n = (int) Math.min(extent.fileEnd() - at, end - dst.position());
          dst.limit(dst.position() + n);
          disk.read(extent.diskOffset() + (at - extent.fileOffset()), dst);
          dst.limit(end);
          at += n;
        }
      }
    } finally {
      dst.limit(end);
    }
  }

  private int firstEndingAfter(long offset) {
    int low = 0;
    int high = extents.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (extents.get(middle).fileEnd() <= offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static void zero(ByteBuffer dst, int count) {
    int left = count;
    for (; left >= Long.BYTES; left -= Long.BYTES) {
      dst.putLong(0);
    }
    for (; left > 0; left--) {
      dst.put((byte) 0);
    }
  }

  @Override
  public void close() {}
}
