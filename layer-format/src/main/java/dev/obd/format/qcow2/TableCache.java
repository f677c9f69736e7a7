package dev.obd.format.qcow2;

import dev.obd.io.BlockSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Entries of an image's L1 and L2 tables, read and kept in slices of 4 KiB, so that neither the
 * size of a table nor their number decides how much memory is used: at most 1 MiB. Thread-safe.
 */
final class TableCache {
  private static final int SLICE = 4096;
  private static final int MAX_SLICES = 256;

  private final BlockSource image;
  private final Map<Long, long[]> slices =
      new LinkedHashMap<>(MAX_SLICES, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, long[]> eldest) {
          return size() > MAX_SLICES;
        }
      };

  TableCache(BlockSource image) {
    this.image = image;
  }

  /**
   * The entry at byte {@code offset} of the image.
   *
   * @param offset a multiple of 8, at most {@code image.size() - 8}
   */
  long entry(long offset) throws IOException {
    long number = offset / SLICE;
    long[] slice;
    synchronized (slices) {
      slice = slices.get(number);
    }
    if (slice == null) {
      slice = load(number * SLICE); // two readers may load one slice: cheaper than waiting
      synchronized (slices) {
        slices.put(number, slice);
      }
    }
    return slice[(int) (offset % SLICE / 8)];
  }

  private long[] load(long at) throws IOException {
    int count = (int) (Math.min(SLICE, image.size() - at) / 8);
    var raw = ByteBuffer.allocate(count * 8).order(ByteOrder.BIG_ENDIAN);
    image.read(at, raw);
    var entries = new long[count];
    raw.flip().asLongBuffer().get(entries);
    return entries;
  }
}
