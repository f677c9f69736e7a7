package dev.obd.format.erofs;

import dev.obd.format.files.Extent;
import dev.obd.format.files.TooManyExtentsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A file in chunks. The inode says how they are noted: bits 0 to 4 are the logarithm of a chunk's
 * blocks, bit 5 which of two tables follows the inode, aligned to its entries:
 *
 * <pre>
 * 0: u32 first block                             of a hole: 0xFFFFFFFF
 * 1: u16 unused, u16 device, u32 first block     device 0: this disk
 * </pre>
 */
final class Chunks {
  private static final int BLOCKS_LOG = 0x1F;
  private static final int WITH_DEVICE = 0x20;
  private static final int KNOWN = 0x3F;
  private static final int HOLE = -1;

  private final Volume volume;
  private final ErofsInode inode;
  private final int most;
  private final List<Extent> extents = new ArrayList<>();

  Chunks(Volume volume, ErofsInode inode, int most) {
    this.volume = volume;
    this.inode = inode;
    this.most = most;
  }

  List<Extent> extents() throws IOException {
    int format = inode.place() & 0xFFFF;
    if ((format & ~KNOWN) != 0) {
      throw volume.bad(
          inode.offset() + 0x10, "chunk format", "bits of 0x3f", "0x%x".formatted(format));
    }
    int entry = (format & WITH_DEVICE) != 0 ? 8 : 4;
    int chunkBits = volume.superblock().blockBits() + (format & BLOCKS_LOG);
    long table = (inode.end() + entry - 1) & -entry;
    long count =
        (inode.size() >> chunkBits) + ((inode.size() & ((1L << chunkBits) - 1)) == 0 ? 0 : 1);
    if (count > volume.disk().size() / entry) {
      throw volume.bad(
          inode.offset() + 8, "chunks of " + inode, "a table that lies on the disk", count);
    }
    volume.check(inode.offset(), "table of chunks of " + inode, table, count * entry);
    for (long i = 0; i < count; i++) {
      long at = table + i * entry;
      ByteBuffer raw = volume.metadata(at, entry);
      int block = raw.getInt(entry - 4);
      int device = entry == 8 ? raw.getChar(2) : 0;
      if (block != HOLE) {
        add(at, i << chunkBits, chunkBits, block & 0xFFFF_FFFFL, device);
      }
    }
    return List.copyOf(extents);
  }

  private void add(long at, long fileOffset, int chunkBits, long block, int device)
      throws IOException {
    if ((device & deviceMask()) != 0) {
      throw volume.bad(at, "chunk of " + inode, "data on this disk", "device " + device);
    }
    long length = Math.min(1L << chunkBits, inode.size() - fileOffset);
    long offset = block << volume.superblock().blockBits();
    volume.check(at, "chunk of " + inode, offset, length);
    var extent = new Extent(fileOffset, offset, length);
    if (!extents.isEmpty() && extent.continues(extents.getLast())) {
      Extent before = extents.removeLast();
      extent = new Extent(before.fileOffset(), before.diskOffset(), before.length() + length);
    }
    if (extents.size() == most) {
      throw new TooManyExtentsException(volume.disk().name(), at, inode.toString(), most);
    }
    extents.add(extent);
  }

  /**
   * Device numbers have as many bits as the number of devices needs; the others are not relied on.
   */
  private int deviceMask() {
    int extra = volume.superblock().extraDevices();
    return extra == 0 ? 0 : (Integer.highestOneBit(extra) << 1) - 1;
  }
}
