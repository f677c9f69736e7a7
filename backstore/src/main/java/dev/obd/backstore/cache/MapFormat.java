package dev.obd.backstore.cache;

import dev.obd.io.Range;
import dev.obd.registry.Digest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The map file of one blob: which units are present, and the checksums of their blocks. Little
 * endian.
 *
 * <pre>
 * header
 *  0  8  magic "obdcache"
 *  8  4  version, 1
 * 12  4  unit size in bytes, a power of two, 4096 to 4194304
 * 16  8  blob size in bytes
 * 24 32  SHA-256 of the blob, from its name
 * 56  4  0
 * 60  4  CRC-32C of bytes 0..59
 * record of unit i, at 64 + i * (4 * unit / 4096 + 8)
 *  0  4 each  CRC-32C of the unit's 4 KiB blocks; 0 for blocks past the end of the blob
 *  .  8  check: CRC-32C (low half) and CRC-32 (high half) of
 *        header bytes 0..55, i as 8 bytes, the CRCs of this record; 0 = absent
 * </pre>
 *
 * Source: this project, docs/formats/cache.md. Immutable.
 */
record MapFormat(Digest digest, long blobBytes, int unitBytes) {
  static final int BLOCK_BYTES = 4096;
  static final int MAX_UNIT_BYTES = 4 << 20;
  static final int HEADER_BYTES = 64;
  static final int MAGIC_AT = 0;
  static final int VERSION_AT = 8;
  static final int UNIT_AT = 12;
  static final int SIZE_AT = 16;
  static final int DIGEST_AT = 24;
  static final int RESERVED_AT = 56;
  static final int HEADER_CRC_AT = 60;

  /** The part of the header every record's check covers; the record's message starts with it. */
  static final int BOUND_BYTES = RESERVED_AT;

  static final int VERSION = 1;
  private static final long MAGIC = 0x6568_6361_6364_626fL; // "obdcache"

  /**
   * Blobs of more units are not cached: a size that a manifest only claims must not cost much
   * memory. 4 TiB in units of 64 KiB.
   */
  private static final long MAX_UNITS = 1 << 26;

  static boolean isUnit(int bytes) {
    return bytes >= BLOCK_BYTES && bytes <= MAX_UNIT_BYTES && Integer.bitCount(bytes) == 1;
  }

  /** False for a blob whose map would be out of all proportion. */
  boolean cacheable() {
    return (blobBytes + unitBytes - 1) / unitBytes <= MAX_UNITS;
  }

  int unitCount() {
    return Math.toIntExact((blobBytes + unitBytes - 1) / unitBytes);
  }

  /** Bytes of one unit; the last one ends with the blob. */
  int unitLength(long unit) {
    return (int) Math.min(unitBytes, blobBytes - unit * unitBytes);
  }

  /** Where one unit lies. */
  Range unitRange(long unit) {
    return new Range(unit * unitBytes, unitLength(unit));
  }

  int blocksPerUnit() {
    return unitBytes / BLOCK_BYTES;
  }

  int recordBytes() {
    return 4 * blocksPerUnit() + 8;
  }

  long recordAt(long unit) {
    return HEADER_BYTES + unit * recordBytes();
  }

  /** The header, ready to be written. */
  ByteBuffer header() {
    ByteBuffer raw = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    raw.putLong(MAGIC_AT, MAGIC)
        .putInt(VERSION_AT, VERSION)
        .putInt(UNIT_AT, unitBytes)
        .putLong(SIZE_AT, blobBytes)
        .put(DIGEST_AT, HexFormat.of().parseHex(digest.hex()))
        .putInt(HEADER_CRC_AT, crc(raw.slice(0, HEADER_CRC_AT)));
    return raw;
  }

  /** What a header says, if it is whole and speaks of {@code digest}. */
  static Optional<MapFormat> decode(Digest digest, ByteBuffer header) {
    ByteBuffer raw = header.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    if (raw.remaining() < HEADER_BYTES) {
      return Optional.empty();
    }
    int unit = raw.getInt(UNIT_AT);
    long size = raw.getLong(SIZE_AT);
    if (!isUnit(unit) || size < 0 || size > Long.MAX_VALUE - MAX_UNIT_BYTES) {
      return Optional.empty();
    }
    MapFormat format = new MapFormat(digest, size, unit);
    // Comparing with what we would write checks magic, version, digest, reserved bits and CRC.
    return format.cacheable() && format.header().equals(raw.slice(0, HEADER_BYTES))
        ? Optional.of(format)
        : Optional.empty();
  }

  private static int crc(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }
}
