package dev.obd.format.ext4;

import dev.obd.format.files.BlockCache;
import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The disk as blocks of the file system, and where inodes lie. Thread-safe.
 *
 * <p>A group's descriptor holds the first block of its inode table: low half at byte 0x08, high
 * half at 0x28 if descriptors have 64 bytes. Descriptors follow the superblock or, with META_BG,
 * lie at the start of the first group of those that one block of descriptors describes.
 */
final class Volume {
  private static final int INODE_TABLE_LO_AT = 0x08;
  private static final int INODE_TABLE_HI_AT = 0x28;

  private final BlockSource disk;
  private final Superblock superblock;
  private final BlockCache blocks;

  Volume(BlockSource disk, Superblock superblock) {
    this.disk = disk;
    this.superblock = superblock;
    this.blocks = new BlockCache(disk, superblock.blockSize());
  }

  Superblock superblock() {
    return superblock;
  }

  BlockSource disk() {
    return disk;
  }

  int blockSize() {
    return superblock.blockSize();
  }

  /** Throws unless {@code count} blocks from {@code block} are part of the file system. */
  void checkBlocks(long at, String field, long block, long count) throws FormatException {
    if (block <= 0 || count <= 0 || block > superblock.blocks() - count) {
      throw bad(
          at,
          field,
          "blocks of " + superblock.blocks(),
          count + " from " + Long.toUnsignedString(block));
    }
  }

  /** A block of metadata, little-endian; the caller gets a view of its own and does not write. */
  ByteBuffer block(long block) throws IOException {
    return blocks.block(block);
  }

  /** Where an inode's bytes begin on the disk. */
  long inodeOffset(long number) throws IOException {
    if (number < 1 || number > superblock.inodes()) {
      throw bad(Superblock.AT, "inode number", "1 to " + superblock.inodes(), number);
    }
    long group = (number - 1) / superblock.inodesPerGroup();
    long index = (number - 1) % superblock.inodesPerGroup();
    long at = descriptorOffset(group);
    ByteBuffer raw = block(at / blockSize());
    int inBlock = (int) (at % blockSize());
    long table = raw.getInt(inBlock + INODE_TABLE_LO_AT) & 0xFFFF_FFFFL;
    if (superblock.descriptorSize() > INODE_TABLE_HI_AT) {
      table |= (raw.getInt(inBlock + INODE_TABLE_HI_AT) & 0xFFFF_FFFFL) << 32;
    }
    long byteInTable = index * superblock.inodeSize();
    long tableBlocks = byteInTable / blockSize() + 1;
    checkBlocks(at + INODE_TABLE_LO_AT, "bg_inode_table", table, tableBlocks);
    return table * blockSize() + byteInTable;
  }

  private long descriptorOffset(long group) throws FormatException {
    long perBlock = blockSize() / superblock.descriptorSize();
    long tableBlock = group / perBlock;
    long first = Superblock.AT / blockSize(); // the block that holds the superblock
    long block = first + 1 + tableBlock;
    if ((superblock.incompat() & Superblock.INCOMPAT_META_BG) != 0
        && tableBlock >= superblock.firstMetaGroup()) {
      long metaGroup = tableBlock * perBlock;
      block = superblock.firstDataBlock() + metaGroup * superblock.blocksPerGroup();
      block += superblock.hasCopy(metaGroup) ? 1 : 0;
      // A file system of 1 KiB blocks that starts at block 0 has its superblock in block 1.
      block += metaGroup == 0 && first > superblock.firstDataBlock() ? 1 : 0;
    }
    checkBlocks(Superblock.AT, "descriptor of group " + group, block, 1);
    return block * blockSize() + group % perBlock * superblock.descriptorSize();
  }

  FormatException bad(long at, String field, Object expected, Object actual) {
    return new FormatException(disk.name(), at, field, expected, actual);
  }
}
