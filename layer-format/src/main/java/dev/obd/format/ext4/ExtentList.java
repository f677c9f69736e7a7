package dev.obd.format.ext4;

import dev.obd.format.files.Extent;
import dev.obd.io.FormatException;
import java.util.ArrayList;
import java.util.List;

/** Collects a file's extents in the order of the file, checks and joins them, and bounds them. */
final class ExtentList {
  private static final int MAX_EXTENTS = 4 << 20;

  private final Volume volume;
  private final Ext4Inode inode;
  private final List<Extent> extents = new ArrayList<>();
  private long nextBlock;
  private long mapped;

  ExtentList(Volume volume, Ext4Inode inode) {
    this.volume = volume;
    this.inode = inode;
  }

  /** How many blocks of the file can hold content. */
  long blocks() {
    return inode.size() / volume.blockSize() + (inode.size() % volume.blockSize() == 0 ? 0 : 1);
  }

  /**
   * Adds {@code count} blocks from {@code fileBlock} on.
   *
   * @param at where on the disk this is stated
   * @param written false if they are allocated but read as zeros
   */
  void add(long at, long fileBlock, long diskBlock, long count, boolean written)
      throws FormatException {
    volume.checkBlocks(at, "extent of inode " + inode.number(), diskBlock, count);
    mapped += count;
    if (fileBlock < nextBlock || mapped > volume.superblock().blocks()) {
      throw volume.bad(
          at,
          "extent of inode " + inode.number(),
          "file blocks from " + nextBlock + " on, no more than the file system has",
          count + " from " + fileBlock);
    }
    nextBlock = fileBlock + count;
    long from = fileBlock * volume.blockSize();
    long length = Math.min(count * volume.blockSize(), inode.size() - from);
    if (!written || length <= 0) {
      return; // beyond the end of the file: preallocated
    }
    var extent = new Extent(from, diskBlock * volume.blockSize(), length);
    if (!extents.isEmpty() && extent.continues(extents.getLast())) {
      Extent before = extents.removeLast();
      extent = new Extent(before.fileOffset(), before.diskOffset(), before.length() + length);
    }
    if (extents.size() == MAX_EXTENTS) {
      throw volume.bad(at, "extents of inode " + inode.number(), "at most " + MAX_EXTENTS, "more");
    }
    extents.add(extent);
  }

  List<Extent> list() {
    return List.copyOf(extents);
  }
}
