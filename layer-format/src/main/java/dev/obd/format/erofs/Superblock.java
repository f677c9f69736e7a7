package dev.obd.format.erofs;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The superblock, 128 bytes at byte 1024 of the disk. Numbers are little-endian.
 *
 * <pre>
 * offset bytes field
 *   0x00     4 magic            0xE0F5E1E2
 *   0x0C     1 blkszbits        block = 1 << this; 9 to 16
 *   0x0E     2 root_nid
 *   0x18     8 build_time       seconds; that of inodes without one
 *   0x28     4 meta_blkaddr     inode n is 32 n bytes after this block
 *   0x50     4 feature_incompat
 *   0x56     2 extra_devices
 *   0x5A     1 dirblkbits       0
 * </pre>
 *
 * @param metaOffset in bytes, where inode 0 would be
 * @param buildTime in seconds since 1970
 * @param extraDevices how many disks there are besides this one
 */
record Superblock(int blockBits, long rootNid, long buildTime, long metaOffset, int extraDevices) {
  static final int AT = 1024;
  private static final int LENGTH = 128;
  private static final int MAGIC = 0xE0F5_E1E2;
  private static final int MIN_BLOCK_BITS = 9;
  private static final int MAX_BLOCK_BITS = 16;

  /**
   * ZERO_PADDING, BIG_PCLUSTER, CHUNKED_FILE, DEVICE_TABLE, ZTAILPACKING, FRAGMENTS,
   * XATTR_PREFIXES. Not 48BIT and METABOX, which change where inodes are.
   */
  private static final int INCOMPAT_KNOWN = 0x7F;

  static boolean isPresent(BlockSource disk) throws IOException {
    return disk.size() >= AT + LENGTH && BlockSources.readFully(disk, AT, 4).getInt(0) == MAGIC;
  }

  static Superblock read(BlockSource disk) throws IOException {
    if (disk.size() < AT + LENGTH) {
      throw new FormatException(
          disk.name(), AT, "superblock", "a disk of 1152 bytes or more", disk.size());
    }
    ByteBuffer raw = BlockSources.readFully(disk, AT, LENGTH);
    check(disk, 0, "magic", raw.getInt(0) == MAGIC, hex(MAGIC), hex(raw.getInt(0)));
    int incompat = raw.getInt(0x50);
    check(
        disk,
        0x50,
        "feature_incompat",
        (incompat & ~INCOMPAT_KNOWN) == 0,
        "only features of " + hex(INCOMPAT_KNOWN),
        hex(incompat));
    int blockBits = raw.get(0x0C);
    check(
        disk,
        0x0C,
        "blkszbits",
        blockBits >= MIN_BLOCK_BITS && blockBits <= MAX_BLOCK_BITS,
        MIN_BLOCK_BITS + " to " + MAX_BLOCK_BITS,
        blockBits);
    check(disk, 0x5A, "dirblkbits", raw.get(0x5A) == 0, "0", raw.get(0x5A));
    return new Superblock(
        blockBits,
        raw.getChar(0x0E),
        raw.getLong(0x18),
        (raw.getInt(0x28) & 0xFFFF_FFFFL) << blockBits,
        raw.getChar(0x56));
  }

  private static void check(
      BlockSource disk, int at, String field, boolean good, Object expected, Object actual)
      throws FormatException {
    if (!good) {
      throw new FormatException(disk.name(), AT + at, field, expected, actual);
    }
  }

  private static String hex(int value) {
    return "0x" + Integer.toHexString(value);
  }
}
