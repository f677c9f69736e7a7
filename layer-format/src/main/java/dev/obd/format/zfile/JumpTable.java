package dev.obd.format.zfile;

import dev.obd.format.crc.RawCrc32c;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.OptionalInt;

/**
 * Where each block starts. On disk the stored lengths, u32 each; in memory offsets, 4 bytes a block
 * relative to the start of its group, so that a look-up is two array reads. Immutable.
 */
final class JumpTable {
  /** As upstream. */
  static final long MAX_BLOCKS = 1_000_000_000;

  /** So many blocks of the greatest stored length stay below 2^31 bytes. */
  private static final int GROUP_SHIFT = 14;

  private static final int GROUP = 1 << GROUP_SHIFT;
  private static final int ENTRIES_PER_READ = (1 << 20) / Integer.BYTES;

  private final long[] base;
  private final int[][] relative;

  private JumpTable(long[] base, int[][] relative) {
    this.base = base;
    this.relative = relative;
  }

  /**
   * What a table must obey.
   *
   * @param count number of blocks, at most {@link #MAX_BLOCKS}; the caller has checked that the
   *     table lies inside the blob
   * @param start where the first block starts
   * @param end where the table starts: no block may reach beyond
   * @param minStored least stored length of a block
   * @param maxStored greatest stored length of a block, below 128 KiB
   * @param crc the checksum of the table, if it has one
   */
  record Shape(long count, long start, long end, int minStored, int maxStored, OptionalInt crc) {}

  /** Reads the table from {@code shape.end()}. Memory grows with what was really read. */
  static JumpTable load(BlockSource blob, Shape shape) throws IOException {
    int groups = (int) ((shape.count >>> GROUP_SHIFT) + 1);
    long[] base = new long[groups];
    int[][] relative = new int[groups][];
    base[0] = shape.start;
    relative[0] = new int[(int) Math.min(GROUP, shape.count + 1)];
    long at = shape.start;
    int crc = 0;
    for (long first = 0; first < shape.count; first += ENTRIES_PER_READ) {
      int entries = (int) Math.min(ENTRIES_PER_READ, shape.count - first);
      ByteBuffer raw =
          BlockSources.readFully(blob, shape.end + first * Integer.BYTES, entries * Integer.BYTES);
      crc = RawCrc32c.of(crc, raw);
      for (int i = 0; i < entries; i++) {
        int stored = raw.getInt(i * Integer.BYTES);
        if (stored < shape.minStored || stored > shape.maxStored || at > shape.end - stored) {
          throw badEntry(blob, shape, first + i, at, stored);
        }
        at += stored;
        long next = first + i + 1;
        int group = (int) (next >>> GROUP_SHIFT);
        int slot = (int) next & (GROUP - 1);
        if (slot == 0) {
          base[group] = at;
          relative[group] = new int[(int) Math.min(GROUP, shape.count + 1 - next)];
        }
        relative[group][slot] = (int) (at - base[group]);
      }
    }
    if (shape.crc.isPresent() && shape.crc.getAsInt() != crc) {
      throw new FormatException(
          blob.name(),
          shape.end,
          "index_crc",
          "0x" + Integer.toHexString(shape.crc.getAsInt()),
          "0x" + Integer.toHexString(crc));
    }
    return new JumpTable(base, relative);
  }

  private static FormatException badEntry(
      BlockSource blob, Shape shape, long index, long at, int stored) {
    return new FormatException(
        blob.name(),
        shape.end + index * Integer.BYTES,
        "jump table entry " + index,
        "a stored length of "
            + shape.minStored
            + " to "
            + Math.min(shape.maxStored, Math.max(0, shape.end - at))
            + " bytes",
        Integer.toUnsignedString(stored));
  }

  /** Where block {@code index} starts; for the number of blocks, where the last one ends. */
  long offset(long index) {
    int group = (int) (index >>> GROUP_SHIFT);
    return base[group] + relative[group][(int) index & (GROUP - 1)];
  }

  /**
   * The end of the longest run of blocks from {@code first} that is at most {@code bytes} long and
   * does not go beyond {@code end}, but at least one block.
   */
  long runEnd(long first, long end, int bytes) {
    long limit = offset(first) + bytes;
    if (offset(end) <= limit) {
      return end;
    }
    long fits = first + 1;
    long tooFar = end;
    while (tooFar - fits > 1) {
      long middle = (fits + tooFar) >>> 1;
      if (offset(middle) <= limit) {
        fits = middle;
      } else {
        tooFar = middle;
      }
    }
    return fits;
  }
}
