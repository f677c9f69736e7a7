package dev.obd.format.ext4;

import dev.obd.format.files.Extent;
import dev.obd.format.files.FileSystemReader.EntryVisitor;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A directory's entries, block by block. A hashed directory's inner nodes look like entries without
 * an inode, so reading straight through finds everything.
 *
 * <pre>
 * 0 u32 inode, 0: unused   4 u16 length of this entry, a multiple of 4
 * 6 u8 length of name      7 u8 type (not relied on)   8 name
 * </pre>
 *
 * An entry does not cross the end of a block. In blocks of 64 KiB the length 65535 or 0 means
 * 65536. A directory in an inode starts with the u32 inode of its parent.
 */
final class Directory {
  private static final int ENTRY = 8;
  private static final int PARENT = 4;
  private static final int LARGEST_BLOCK = 65536;

  private final Volume volume;
  private final Ext4Inode inode;

  Directory(Volume volume, Ext4Inode inode) {
    this.volume = volume;
    this.inode = inode;
  }

  void forEach(List<Extent> extents, EntryVisitor visitor) throws IOException {
    if (inode.has(Ext4Inode.FLAG_INLINE_DATA)) {
      for (int i = 0; i < extents.size(); i++) {
        Extent part = extents.get(i);
        int skip = i == 0 ? (int) Math.min(PARENT, part.length()) : 0;
        if (!block(part.diskOffset() + skip, (int) part.length() - skip, visitor)) {
          return;
        }
      }
      return;
    }
    for (Extent extent : extents) {
      for (long at = 0; at < extent.length(); at += volume.blockSize()) {
        int length = (int) Math.min(volume.blockSize(), extent.length() - at);
        if (!block(extent.diskOffset() + at, length, visitor)) {
          return;
        }
      }
    }
  }

  private boolean block(long offset, int length, EntryVisitor visitor) throws IOException {
    ByteBuffer raw = bytes(offset, length);
    for (int at = 0; at < length; ) {
      int left = length - at;
      int entryLength = left < ENTRY ? 0 : raw.getChar(at + 4);
      if (length == LARGEST_BLOCK && (entryLength == LARGEST_BLOCK - 1 || entryLength == 0)) {
        entryLength = LARGEST_BLOCK;
      }
      int nameLength = left < ENTRY ? 0 : raw.get(at + 6) & 0xFF;
      if (entryLength < ENTRY + nameLength || entryLength > left || entryLength % 4 != 0) {
        throw volume.bad(
            offset + at,
            "entry of directory " + inode.number(),
            "a length of " + (ENTRY + nameLength) + " to " + left,
            entryLength);
      }
      long number = raw.getInt(at) & 0xFFFF_FFFFL;
      if (number != 0 && nameLength > 0) {
        ByteBuffer name = raw.slice(at + ENTRY, nameLength);
        if (!visitor.entry(offset + at + ENTRY, name, number)) {
          return false;
        }
      }
      at += entryLength;
    }
    return true;
  }

  private ByteBuffer bytes(long offset, int length) throws IOException {
    BlockSource disk = volume.disk();
    return offset % volume.blockSize() == 0 && length == volume.blockSize()
        ? volume.block(offset / volume.blockSize())
        : BlockSources.readFully(disk, offset, length);
  }
}
