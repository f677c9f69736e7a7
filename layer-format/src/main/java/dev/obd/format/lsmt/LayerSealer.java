package dev.obd.format.lsmt;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * Turns a writable layer into a sealed one in place: index and trailer are appended to the data
 * file, nothing is copied. Where the original leaves uninitialised memory behind the index there
 * are zeros.
 */
public final class LayerSealer {
  private LayerSealer() {}

  /**
   * Seals the layer; the index file is of no use afterwards, but not removed. If this fails the
   * layer is writable as before.
   *
   * @return what had to be dropped, as {@link WritableLayer#warnings}
   * @throws IOException also if the layer has more records than a sealed layer may hold
   */
  public static List<String> seal(Path data, Path index) throws IOException {
    try (WritableLayer layer = WritableLayer.open(data, index)) {
      layer.seal();
      return layer.warnings();
    }
  }

  /** Appends index and trailer at {@code end}, durably, or nothing. */
  static void append(StoreFile data, long end, SegmentIndex index) throws IOException {
    if (index.count() > SealedLayer.MAX_RECORDS) {
      throw new IOException(
          data.name()
              + ": cannot be sealed with "
              + index.count()
              + " records, at most "
              + SealedLayer.MAX_RECORDS
              + "; commit it");
    }
    LayerHeader header = data.header();
    LayerHeader trailer =
        LayerHeader.of(
            LayerHeader.DATA | LayerHeader.SEALED | (header.flags() & LayerHeader.SPARSE),
            end,
            index.count(),
            header.virtualSize(),
            header.uuid(),
            header.parentUuid(),
            "");
    long sizeBefore = data.size();
    try {
      long trailerAt = end + roundUp((long) index.count() * Segment.BYTES);
      long[] at = {end};
      RecordBytes.write(
          index,
          index.count(),
          bytes -> {
            int n = bytes.remaining();
            data.write(at[0], bytes);
            at[0] += n;
          });
      data.write(at[0], ByteBuffer.allocate((int) (trailerAt - at[0])));
      // The trailer last: until it is there, nothing takes the file for a sealed one.
      data.sync();
      data.write(trailerAt, trailer.encode());
      data.sync();
    } catch (IOException e) {
      try {
        data.truncate(sizeBefore);
      } catch (IOException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  private static long roundUp(long bytes) {
    return (bytes + Segment.SECTOR - 1) / Segment.SECTOR * Segment.SECTOR;
  }
}
