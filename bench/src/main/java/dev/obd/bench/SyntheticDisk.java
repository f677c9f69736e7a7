package dev.obd.bench;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.TreeMap;

/** A disk whose content follows from its offset: data in some ranges, zeros elsewhere. */
final class SyntheticDisk implements BlockSource {
  /** Nothing can be made smaller. */
  static final double RANDOM = 1;

  /** Shrinks about as programs and libraries do. */
  static final double PROGRAMS = 0.55;

  private static final int BLOCK = 4096;

  private final long size;
  private final TreeMap<Long, Long> data = new TreeMap<>(); // offset → end, whole blocks
  private final int randomBytes;

  /**
   * @param data with whole blocks of 4 KiB
   * @param random share of each block that has random bytes; the rest of it repeats
   */
  SyntheticDisk(long size, List<Range> data, double random) {
    this.size = size;
    this.randomBytes = (int) (BLOCK * random) & -Long.BYTES;
    data.forEach(range -> this.data.put(range.offset(), range.end()));
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public String name() {
    return "synthetic disk";
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    byte[] block = new byte[BLOCK];
    for (long at = offset; dst.hasRemaining(); ) {
      int skip = (int) (at % BLOCK);
      int length = Math.min(BLOCK - skip, dst.remaining());
      var range = data.floorEntry(at);
      if (range == null || range.getValue() <= at) {
        dst.put(new byte[length]);
      } else {
        fill(block, at - skip);
        dst.put(block, skip, length);
      }
      at += length;
    }
  }

  private void fill(byte[] block, long from) {
    ByteBuffer words = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
    while (words.hasRemaining()) {
      long word = words.position() < randomBytes ? from + words.position() : 7;
      words.putLong(mixed(word));
    }
  }

  /** The finalizer of SplitMix64. */
  private static long mixed(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  @Override
  public void close() {}
}
