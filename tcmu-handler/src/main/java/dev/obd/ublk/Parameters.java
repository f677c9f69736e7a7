package dev.obd.ublk;

import dev.obd.backstore.device.BlockDevice;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * {@code struct ublk_params}, what a disk is like.
 *
 * <pre>
 * offset bytes field
 *  0     4     bytes of all this
 *  4     4     parts that are filled in: 1 basic, 2 discard
 *  8     4     attributes: 1 read-only, 4 has a volatile cache, 8 FUA
 * 12     1     logical block, power of two
 * 13     1     physical block, power of two
 * 14     1     best request, power of two
 * 15     1     smallest good request, power of two
 * 16     4     largest request, sectors
 * 24     8     size, sectors
 * 44     4     discards are multiples of, bytes
 * 48     4     largest discard, sectors
 * 52     4     largest write of zeros, sectors
 * 56     2     ranges in one discard
 * </pre>
 *
 * @param size bytes
 */
record Parameters(long size, boolean writable) {
  static final int BYTES = 64;
  static final int SECTOR = 512;

  private static final int TYPES_AT = 4;
  private static final int ATTRIBUTES_AT = 8;
  private static final int LOGICAL_AT = 12;
  private static final int PHYSICAL_AT = 13;
  private static final int OPTIMAL_AT = 14;
  private static final int MINIMAL_AT = 15;
  private static final int MAX_SECTORS_AT = 16;
  private static final int SECTORS_AT = 24;
  private static final int GRANULARITY_AT = 44;
  private static final int MAX_DISCARD_AT = 48;
  private static final int MAX_ZEROES_AT = 52;
  private static final int MAX_RANGES_AT = 56;

  private static final int BASIC = 1;
  private static final int DISCARD = 2;
  private static final int READ_ONLY = 1;
  private static final int VOLATILE_CACHE = 4;
  private static final int FUA = 8;
  private static final int SECTOR_SHIFT = 9;
  private static final int PAGE_SHIFT = 12;

  /** 4 GiB less a sector: as with other drivers. */
  private static final int MAX_DISCARD_SECTORS = (1 << 23) - 1;

  /** 16 MiB: they may really be written. */
  private static final int MAX_ZEROES_SECTORS = 1 << 15;

  static Parameters of(BlockDevice device) {
    return new Parameters(device.size(), device.writable());
  }

  long sectors() {
    return size / SECTOR;
  }

  /** {@code out} holds zeros. */
  void encode(ByteBuffer out, int maxRequestBytes) {
    request(out);
    out.putInt(TYPES_AT, writable ? BASIC | DISCARD : BASIC)
        .putInt(ATTRIBUTES_AT, writable ? VOLATILE_CACHE | FUA : READ_ONLY)
        .put(LOGICAL_AT, (byte) SECTOR_SHIFT)
        .put(PHYSICAL_AT, (byte) PAGE_SHIFT)
        .put(OPTIMAL_AT, (byte) PAGE_SHIFT)
        .put(MINIMAL_AT, (byte) PAGE_SHIFT)
        .putInt(MAX_SECTORS_AT, maxRequestBytes / SECTOR)
        .putLong(SECTORS_AT, sectors());
    if (writable) {
      out.putInt(GRANULARITY_AT, SECTOR)
          .putInt(MAX_DISCARD_AT, MAX_DISCARD_SECTORS)
          .putInt(MAX_ZEROES_AT, MAX_ZEROES_SECTORS)
          .putShort(MAX_RANGES_AT, (short) 1);
    }
  }

  /** To be filled in by the kernel. */
  static void request(ByteBuffer out) {
    out.putInt(0, BYTES);
  }

  static Parameters decode(ByteBuffer in) throws IOException {
    if ((in.getInt(TYPES_AT) & BASIC) == 0) {
      throw new IOException("ublk: a device without parameters");
    }
    long sectors = in.getLong(SECTORS_AT);
    if (sectors < 0 || sectors > Long.MAX_VALUE / SECTOR) {
      throw new IOException("ublk: size: " + Long.toUnsignedString(sectors) + " sectors");
    }
    return new Parameters(sectors * SECTOR, (in.getInt(ATTRIBUTES_AT) & READ_ONLY) == 0);
  }
}
