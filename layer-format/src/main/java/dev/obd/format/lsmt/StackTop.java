package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import dev.obd.io.ExtentMap.Kind;
import dev.obd.io.ExtentMap.Visitor;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A writable layer and what it lies on. Thread-safe. */
record StackTop(WritableLayer upper, @Nullable LayerStack lower) {
  /** Fills {@code dst}; the range is within the disk. */
  void read(long offset, ByteBuffer dst) throws IOException {
    int limit = dst.limit();
    var extent = new Extent();
    long at = offset;
    try {
      while (dst.hasRemaining()) {
        upper.find(at / SECTOR, extent);
        int inSector = (int) (at % SECTOR);
        int n = (int) Math.min(dst.remaining(), extent.sectors() * SECTOR - inSector);
        dst.limit(dst.position() + n);
        switch (extent.kind()) {
          case DATA -> upper.readData(extent.dataSector() * SECTOR + inSector, dst);
          case ZERO -> Zeros.put(dst, n);
          case HOLE -> readLower(at, dst);
        }
        dst.limit(limit);
        at += n;
      }
    } finally {
      dst.limit(limit);
    }
  }

  private void readLower(long offset, ByteBuffer dst) throws IOException {
    if (lower == null) {
      Zeros.put(dst, dst.remaining());
    } else {
      lower.fill(offset, dst);
    }
  }

  /** Visits what the range, which is within the disk, consists of. */
  void extents(long offset, long length, Visitor visitor) throws IOException {
    var joined = new ExtentJoiner(visitor);
    var extent = new Extent();
    long end = offset + length;
    for (long at = offset; at < end; ) {
      upper.find(at / SECTOR, extent);
      long n = Math.min(end - at, extent.sectors() * SECTOR - at % SECTOR);
      boolean more =
          (extent.kind() == Kind.HOLE && lower != null)
              ? lower.visit(at, n, joined)
              : joined.add(at, n, extent.kind());
      if (!more) {
        return;
      }
      at += n;
    }
    joined.finish();
  }
}
