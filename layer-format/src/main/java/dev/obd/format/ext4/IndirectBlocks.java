package dev.obd.format.ext4;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;

/**
 * A file's blocks as ext2 and ext3 note them: twelve block numbers in the inode, then the number of
 * a block of numbers, of a block of such blocks, and of a block of those. 0 is a hole.
 */
final class IndirectBlocks {
  private static final int DIRECT = 12;
  private static final int LEVELS = 3;

  private final Volume volume;
  private final Ext4Inode inode;
  private final ExtentList list;
  private final int perBlock;

  /** No block of numbers is used twice: else a few blocks could stand for billions. */
  private final Set<Long> seen = new HashSet<>();

  IndirectBlocks(Volume volume, Ext4Inode inode, ExtentList list) {
    this.volume = volume;
    this.inode = inode;
    this.list = list;
    this.perBlock = volume.blockSize() / 4;
  }

  void walk() throws IOException {
    ByteBuffer area = inode.blockArea();
    long at = inode.offset() + Ext4Inode.BLOCK_AT;
    for (int i = 0; i < DIRECT && i < list.blocks(); i++) {
      block(at + 4L * i, area.getInt(4 * i) & 0xFFFF_FFFFL, 0, i);
    }
    long fileBlock = DIRECT;
    long span = 1;
    for (int level = 1; level <= LEVELS; level++) {
      int entry = 4 * (DIRECT + level - 1);
      block(at + entry, area.getInt(entry) & 0xFFFF_FFFFL, level, fileBlock);
      span *= perBlock;
      fileBlock += span;
    }
  }

  private void block(long at, long block, int level, long fileBlock) throws IOException {
    if (block == 0 || fileBlock >= list.blocks()) {
      return;
    }
    if (level == 0) {
      list.add(at, fileBlock, block, 1, true);
      return;
    }
    volume.checkBlocks(at, "block of block numbers", block, 1);
    if (!seen.add(block)) {
      throw volume.bad(
          at, "block of block numbers of inode " + inode.number(), "used once", block + " again");
    }
    ByteBuffer numbers = volume.block(block);
    long span = 1;
    for (int i = 1; i < level; i++) {
      span *= perBlock;
    }
    for (int i = 0; i < perBlock; i++) {
      block(
          block * volume.blockSize() + 4L * i,
          numbers.getInt(4 * i) & 0xFFFF_FFFFL,
          level - 1,
          fileBlock + i * span);
    }
  }
}
