package dev.obd.format.ext4;

import dev.obd.format.files.Extent;
import dev.obd.format.files.TooManyExtentsException;
import dev.obd.io.FormatException;
import java.util.ArrayList;
import java.util.List;

/** Collects a file's extents in the order of the file, checks and joins them, and bounds them. */
final class ExtentList {
  private final Volume volume;
  private final Ext4Inode inode;
  private final int most;
  private final List<Extent> extents = new ArrayList<>();
  private long nextBlock;
  private long mapped;

  ExtentList(Volume volume, Ext4Inode inode, int most) {
    this.volume = volume;
    this.inode = inode;
    this.most = most;
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
    if (extents.size() == most) {
      throw new TooManyExtentsException(volume.disk().name(), at, "inode " + inode.number(), most);
    }
    extents.add(extent);
  }

  List<Extent> list() {
    return List.copyOf(extents);
  }
}
