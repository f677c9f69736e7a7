package dev.obd.format.ext4;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A file's extents as a tree, whose root is in the inode and whose other nodes fill a block each.
 *
 * <pre>
 * node    0 u16 magic 0xF30A   2 u16 entries   4 u16 most entries   6 u16 depth, 0: leaf
 *        12 entries of 12 bytes, ascending by file block
 * leaf    0 u32 file block     4 u16 blocks; above 32768: that many more, unwritten
 *         6 u16, 8 u32 disk block, high and low
 * index   0 u32 file block     4 u32, 8 u16 disk block of the node below, low and high
 * </pre>
 *
 * The range of file blocks of a node is divided among its children, each node has a depth one less
 * than its parent and none is empty, so that no node is seen twice and a walk ends.
 */
final class ExtentTree {
  private static final int MAGIC = 0xF30A;
  private static final int ENTRY = 12;
  private static final int MAX_DEPTH = 5;
  private static final int MAX_WRITTEN = 32768;
  private static final long END = 1L << 32;

  private final Volume volume;
  private final Ext4Inode inode;
  private final ExtentList list;

  ExtentTree(Volume volume, Ext4Inode inode, ExtentList list) {
    this.volume = volume;
    this.inode = inode;
    this.list = list;
  }

  void walk() throws IOException {
    ByteBuffer root = inode.blockArea();
    int depth = root.getChar(6);
    long at = inode.offset() + Ext4Inode.BLOCK_AT;
    if (depth > MAX_DEPTH) {
      throw volume.bad(at + 6, "depth of extent tree", "at most " + MAX_DEPTH, depth);
    }
    node(root, at, depth, 0, END);
  }

  private void node(ByteBuffer node, long at, int depth, long from, long end) throws IOException {
    int entries = node.getChar(2);
    int room = (node.capacity() - ENTRY) / ENTRY;
    boolean root = node.capacity() == Ext4Inode.BLOCK_LENGTH;
    if (node.getChar(0) != MAGIC
        || node.getChar(6) != depth
        || entries > room
        || (entries == 0 && !(root && depth == 0))) {
      throw volume.bad(
          at,
          "extent tree node of inode " + inode.number(),
          "magic 0xf30a, depth %d, 1 to %d entries".formatted(depth, room),
          "magic 0x%x, depth %d, %d entries"
              .formatted((int) node.getChar(0), (int) node.getChar(6), entries));
    }
    long low = from;
    for (int i = 0; i < entries; i++) {
      int entry = ENTRY + i * ENTRY;
      long first = u32(node, entry);
      if (depth == 0) {
        low = leaf(node, at, entry, first, low, end);
      } else {
        long next = i + 1 < entries ? u32(node, entry + ENTRY) : end;
        if (first < low || first >= next || next > end) {
          throw volume.bad(
              at + entry,
              "extent index",
              "file blocks " + low + " to " + end,
              first + " to " + next);
        }
        child(node, at, entry, depth, first, next);
        low = next;
      }
    }
  }

  private long leaf(ByteBuffer node, long at, int entry, long first, long low, long end)
      throws IOException {
    int stated = node.getChar(entry + 4);
    boolean written = stated <= MAX_WRITTEN;
    int count = written ? stated : stated - MAX_WRITTEN;
    if (first < low || first + count > end) {
      throw volume.bad(
          at + entry, "extent", "file blocks " + low + " to " + end, count + " from " + first);
    }
    long block = ((long) node.getChar(entry + 6) << 32) | u32(node, entry + 8);
    list.add(at + entry, first, block, count, written);
    return first + count;
  }

  private void child(ByteBuffer node, long at, int entry, int depth, long from, long end)
      throws IOException {
    long block = ((long) node.getChar(entry + 8) << 32) | u32(node, entry + 4);
    volume.checkBlocks(at + entry, "extent tree node", block, 1);
    node(volume.block(block), block * volume.blockSize(), depth - 1, from, end);
  }

  private static long u32(ByteBuffer raw, int at) {
    return raw.getInt(at) & 0xFFFF_FFFFL;
  }
}
