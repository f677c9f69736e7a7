package dev.obd.format.erofs;

import dev.obd.format.files.FileType;
import dev.obd.format.files.Inode;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An inode, of 32 bytes or 64. What it names by number is its place: 32 bytes each.
 *
 * <pre>
 *                     compact   extended
 * i_format            0x00 2    0x00 2     bit 0: extended; bits 1 to 3: layout of the data
 * i_xattr_icount      0x02 2    0x02 2     attributes behind it: 0, or 12 + 4 (n - 1) bytes
 * i_mode              0x04 2    0x04 2
 * i_nlink             0x06 2    0x2C 4
 * i_size              0x08 4    0x08 8
 * i_u                 0x10 4    0x10 4     first block, or how the chunks are noted
 * i_uid, i_gid        0x18 2+2  0x18 4+4
 * i_mtime                       0x20 8     seconds
 * </pre>
 *
 * @param layout how {@code place} is to be understood
 * @param place i_u
 * @param end where on the disk the inode and its attributes end
 */
record ErofsInode(
    long number,
    long offset,
    FileType type,
    long size,
    int permissions,
    long uid,
    long gid,
    long links,
    long modifiedSeconds,
    Layout layout,
    int place,
    long end)
    implements Inode {
  private static final int COMPACT = 32;
  private static final int EXTENDED = 64;
  private static final int SLOT_BITS = 5;
  private static final int FORMAT_KNOWN = 0xF;

  /** How the content lies on the disk, in the order of the numbers. */
  enum Layout {
    /** In successive blocks. */
    PLAIN,
    /** Compressed, with an index of 8 bytes for each block's worth of content. */
    COMPRESSED_FULL,
    /** In successive blocks; what does not fill one lies behind the inode. */
    INLINE,
    /** Compressed, with an index of 2 or 4 bytes for each block's worth of content. */
    COMPRESSED_COMPACT,
    /** In chunks of the same size, each anywhere. */
    CHUNKS
  }

  static ErofsInode read(Volume volume, long number) throws IOException {
    long start = volume.superblock().metaOffset();
    if (number < 0 || number > (volume.disk().size() - start) >> SLOT_BITS) {
      throw volume.bad(
          Superblock.AT,
          "inode number",
          "one that lies on the disk",
          Long.toUnsignedString(number));
    }
    long offset = start + (number << SLOT_BITS);
    volume.check(offset, "inode " + number, offset, COMPACT);
    int format = volume.metadata(offset, 2).getChar(0);
    boolean extended = (format & 1) != 0;
    int layout = format >> 1;
    if ((format & ~FORMAT_KNOWN) != 0 || layout >= Layout.values().length) {
      throw volume.bad(
          offset, "i_format of inode " + number, "a layout of 0 to 4", "0x%x".formatted(format));
    }
    int length = extended ? EXTENDED : COMPACT;
    volume.check(offset, "inode " + number, offset, length);
    ByteBuffer raw = volume.metadata(offset, length);
    int mode = raw.getChar(4);
    FileType type = FileType.ofMode(mode);
    if (type == null) {
      throw volume.bad(offset, "inode " + number, "one in use", "mode 0x%x".formatted(mode));
    }
    long size = extended ? raw.getLong(8) : raw.getInt(8) & 0xFFFF_FFFFL;
    if (size < 0) {
      throw volume.bad(offset + 8, "i_size", "0 or more", Long.toUnsignedString(size));
    }
    int attributes = raw.getChar(2);
    return new ErofsInode(
        number,
        offset,
        type,
        size,
        mode & 07777,
        extended ? raw.getInt(0x18) & 0xFFFF_FFFFL : raw.getChar(0x18),
        extended ? raw.getInt(0x1C) & 0xFFFF_FFFFL : raw.getChar(0x1A),
        extended ? raw.getInt(0x2C) & 0xFFFF_FFFFL : raw.getChar(6),
        extended ? raw.getLong(0x20) : volume.superblock().buildTime(),
        Layout.values()[layout],
        raw.getInt(0x10),
        offset + length + (attributes == 0 ? 0 : 12 + 4L * (attributes - 1)));
  }

  boolean compressed() {
    return layout == Layout.COMPRESSED_FULL || layout == Layout.COMPRESSED_COMPACT;
  }

  @Override
  public String toString() {
    return "inode " + number + " (" + type + ", " + size + " bytes)";
  }
}
