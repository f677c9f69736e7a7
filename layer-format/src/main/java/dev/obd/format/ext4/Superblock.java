package dev.obd.format.ext4;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The superblock, 1024 bytes at byte 1024 of the disk. Numbers are little-endian.
 *
 * <pre>
 * offset bytes field
 *   0x00     4 s_inodes_count
 *   0x04     4 s_blocks_count_lo     high half at 0x150, with 64BIT
 *   0x14     4 s_first_data_block    1 with blocks of 1 KiB, else 0
 *   0x18     4 s_log_block_size      block = 1024 << this; 0 to 6
 *   0x20     4 s_blocks_per_group
 *   0x28     4 s_inodes_per_group
 *   0x38     2 s_magic               0xEF53
 *   0x4C     4 s_rev_level           0: inodes of 128 bytes, no feature fields
 *   0x58     2 s_inode_size
 *   0x5C     4 s_feature_compat
 *   0x60     4 s_feature_incompat
 *   0x64     4 s_feature_ro_compat
 *   0xFE     2 s_desc_size           with 64BIT
 *  0x104     4 s_first_meta_bg       with META_BG
 *  0x24C   2*4 s_backup_bgs          with SPARSE_SUPER2
 * </pre>
 *
 * @param blocks in the file system; all of them lie on the disk
 */
record Superblock(
    int blockSize,
    long blocks,
    long inodes,
    long firstDataBlock,
    long blocksPerGroup,
    long inodesPerGroup,
    int inodeSize,
    int descriptorSize,
    int compat,
    int incompat,
    int roCompat,
    long firstMetaGroup,
    long backupGroup1,
    long backupGroup2) {

  static final int AT = 1024;
  private static final int LENGTH = 1024;

  private static final int MAGIC = 0xEF53;

  static final int INCOMPAT_FILETYPE = 0x2;
  static final int INCOMPAT_RECOVER = 0x4;
  static final int INCOMPAT_META_BG = 0x10;
  private static final int INCOMPAT_64BIT = 0x80;
  static final int INCOMPAT_LARGEDIR = 0x4000;

  /**
   * FILETYPE, RECOVER, META_BG, EXTENTS, 64BIT, MMP, FLEX_BG, EA_INODE, CSUM_SEED, LARGEDIR,
   * INLINE_DATA, ENCRYPT, CASEFOLD. Not COMPRESSION, JOURNAL_DEV and DIRDATA.
   */
  private static final int INCOMPAT_KNOWN =
      0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000
          | 0x20000;

  static final int COMPAT_SPARSE_SUPER2 = 0x200;
  static final int RO_COMPAT_SPARSE_SUPER = 0x1;

  private static final int FIRST_INODE_SIZE = 128;
  private static final int MIN_DESCRIPTOR = 32;
  private static final int MIN_DESCRIPTOR_64 = 64;
  private static final int MAX_LOG_BLOCK_SIZE = 6;

  static boolean isPresent(BlockSource disk) throws IOException {
    return disk.size() >= AT + LENGTH
        && BlockSources.readFully(disk, AT + 0x38, 2).getChar(0) == MAGIC;
  }

  static Superblock read(BlockSource disk) throws IOException {
    if (disk.size() < AT + LENGTH) {
      throw new FormatException(
          disk.name(), AT, "superblock", "a disk of 2048 bytes or more", disk.size());
    }
    ByteBuffer raw = BlockSources.readFully(disk, AT, LENGTH);
    check(disk, 0x38, "s_magic", raw.getChar(0x38) == MAGIC, "0xef53", hex(raw.getChar(0x38)));
    boolean dynamic = raw.getInt(0x4C) != 0;
    int incompat = dynamic ? raw.getInt(0x60) : 0;
    check(
        disk,
        0x60,
        "s_feature_incompat",
        (incompat & ~INCOMPAT_KNOWN) == 0,
        "only features of " + hex(INCOMPAT_KNOWN),
        hex(incompat));
    boolean wide = (incompat & INCOMPAT_64BIT) != 0;
    int logBlockSize = raw.getInt(0x18);
    check(
        disk,
        0x18,
        "s_log_block_size",
        logBlockSize >= 0 && logBlockSize <= MAX_LOG_BLOCK_SIZE,
        "0 to 6",
        logBlockSize);
    int blockSize = 1024 << logBlockSize;
    int inodeSize = dynamic ? raw.getChar(0x58) : FIRST_INODE_SIZE;
    check(
        disk,
        0x58,
        "s_inode_size",
        Integer.bitCount(inodeSize) == 1 && inodeSize >= FIRST_INODE_SIZE && inodeSize <= blockSize,
        "a power of two from 128 to the block size",
        inodeSize);
    int descriptorSize = wide ? raw.getChar(0xFE) : MIN_DESCRIPTOR;
    check(
        disk,
        0xFE,
        "s_desc_size",
        !wide
            || (Integer.bitCount(descriptorSize) == 1
                && descriptorSize >= MIN_DESCRIPTOR_64
                && descriptorSize <= blockSize),
        "a power of two from 64 to the block size",
        descriptorSize);
    var superblock =
        new Superblock(
            blockSize,
            u32(raw, 0x04) | (wide ? u32(raw, 0x150) << 32 : 0),
            u32(raw, 0x00),
            u32(raw, 0x14),
            u32(raw, 0x20),
            u32(raw, 0x28),
            inodeSize,
            descriptorSize,
            dynamic ? raw.getInt(0x5C) : 0,
            incompat,
            dynamic ? raw.getInt(0x64) : 0,
            u32(raw, 0x104),
            u32(raw, 0x24C),
            u32(raw, 0x250));
    superblock.check(disk);
    return superblock;
  }

  private void check(BlockSource disk) throws FormatException {
    check(
        disk,
        0x04,
        "s_blocks_count",
        blocks > 0 && blocks <= disk.size() / blockSize,
        "1 to " + disk.size() / blockSize + ", what the disk holds",
        Long.toUnsignedString(blocks));
    check(disk, 0x14, "s_first_data_block", firstDataBlock <= 1, "0 or 1", firstDataBlock);
    check(disk, 0x20, "s_blocks_per_group", blocksPerGroup > 0, "more than 0", blocksPerGroup);
    check(disk, 0x28, "s_inodes_per_group", inodesPerGroup > 0, "more than 0", inodesPerGroup);
  }

  /** True if the group begins with a copy of the superblock. */
  boolean hasCopy(long group) {
    if (group == 0) {
      return true;
    }
    if ((compat & COMPAT_SPARSE_SUPER2) != 0) {
      return group == backupGroup1 || group == backupGroup2;
    }
    return group == 1
        || (roCompat & RO_COMPAT_SPARSE_SUPER) == 0
        || isPower(group, 3)
        || isPower(group, 5)
        || isPower(group, 7);
  }

  private static boolean isPower(long number, int base) {
    long rest = number;
    while (rest > 1 && rest % base == 0) {
      rest /= base;
    }
    return rest == 1;
  }

  private static void check(
      BlockSource disk, int at, String field, boolean good, Object expected, Object actual)
      throws FormatException {
    if (!good) {
      throw new FormatException(disk.name(), AT + at, field, expected, actual);
    }
  }

  private static long u32(ByteBuffer raw, int at) {
    return raw.getInt(at) & 0xFFFF_FFFFL;
  }

  private static String hex(int value) {
    return "0x" + Integer.toHexString(value);
  }
}
