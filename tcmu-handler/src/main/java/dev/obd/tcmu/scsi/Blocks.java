package dev.obd.tcmu.scsi;

import dev.obd.backstore.device.BlockDevice;
import java.nio.ByteBuffer;

/**
 * A range of logical blocks that lies inside the disk.
 *
 * @param offset bytes
 * @param length bytes
 */
record Blocks(long offset, long length) {
  /** Bytes of a logical block. */
  static final int BYTES = 512;

  static final int SHIFT = 9;

  /**
   * @param lba unsigned
   * @param count at most 2^32
   */
  static Blocks of(BlockDevice device, long lba, long count) throws Refusal {
    long all = device.size() >> SHIFT;
    if (lba < 0 || lba > all || count > all - lba) {
      throw new Refusal(Sense.OUT_OF_RANGE);
    }
    return new Blocks(lba << SHIFT, count << SHIFT);
  }

  static boolean isZero(byte[] block) {
    for (byte b : block) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  /** Fills {@code dst}, of whole blocks, with the first block of {@code data}. */
  static void repeat(DataBuffers data, ByteBuffer dst) {
    byte[] block = data.first(BYTES);
    while (dst.hasRemaining()) {
      dst.put(block);
    }
  }
}
