package dev.obd.format.ext4;

import dev.obd.format.files.Extent;
import dev.obd.io.FormatException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Content that is stored in the inode: the first 60 bytes in place of the block numbers, the rest
 * as the value of the attribute {@code system.data}, which is stored behind the inode's fixed
 * fields.
 *
 * <pre>
 *  0 u32 magic 0xEA020000, then entries until one that starts with four zero bytes:
 *  0 u8 length of name   1 u8 prefix; 7: "system."   2 u16 where the value is, from the first entry
 *  4 u32 inode of the value, 0: here   8 u32 length of value   16 name, padded to 4 bytes
 * </pre>
 */
final class InlineData {
  private static final int MAGIC = 0xEA02_0000;
  private static final int ENTRIES_AT = 4;
  private static final int ENTRY = 16;
  private static final int SYSTEM = 7;
  private static final byte[] DATA = "data".getBytes(StandardCharsets.US_ASCII);

  private InlineData() {}

  static List<Extent> extents(Volume volume, Ext4Inode inode) throws FormatException {
    var extents = new ArrayList<Extent>();
    long first = Math.min(inode.size(), Ext4Inode.BLOCK_LENGTH);
    if (first > 0) {
      extents.add(new Extent(0, inode.offset() + Ext4Inode.BLOCK_AT, first));
    }
    long rest = inode.size() - first;
    if (rest > 0) {
      extents.add(new Extent(first, value(volume, inode, rest), rest));
    }
    return extents;
  }

  /** Where on the disk the attribute's value of at least {@code length} bytes begins. */
  private static long value(Volume volume, Ext4Inode inode, long length) throws FormatException {
    ByteBuffer area = inode.attributeArea();
    int end = area.capacity();
    if (end >= ENTRIES_AT && area.getInt(0) == MAGIC) {
      for (int at = ENTRIES_AT; at <= end - ENTRY && area.getInt(at) != 0; ) {
        int nameLength = area.get(at) & 0xFF;
        long from = ENTRIES_AT + (long) area.getChar(at + 2);
        if (nameLength > end - at - ENTRY) {
          break;
        }
        if (area.get(at + 1) == SYSTEM
            && area.slice(at + ENTRY, nameLength).equals(ByteBuffer.wrap(DATA))
            && area.getInt(at + 4) == 0
            && (area.getInt(at + 8) & 0xFFFF_FFFFL) >= length
            && from <= end - length) {
          return inode.attributeOffset() + from;
        }
        at += ENTRY + ((nameLength + 3) & ~3);
      }
    }
    throw volume.bad(
        inode.attributeOffset(),
        "data in inode " + inode.number(),
        "attribute system.data of " + length + " bytes",
        "none");
  }
}
