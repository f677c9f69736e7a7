package dev.obd.format.ext4;

import dev.obd.format.files.FileType;
import dev.obd.format.files.Inode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * As ext2 and its successors store it.
 *
 * <pre>
 * offset bytes field
 *   0x00     2 i_mode          type and permissions
 *   0x02     2 i_uid           high half at 0x78
 *   0x04     4 i_size_lo       high half at 0x6C (regular files; directories with LARGEDIR)
 *   0x10     4 i_mtime         seconds
 *   0x18     2 i_gid           high half at 0x7A
 *   0x1A     2 i_links_count
 *   0x20     4 i_flags
 *   0x28    60 i_block         extent tree, block numbers, link target or data
 *   0x80     2 i_extra_isize   inodes of more than 128 bytes
 * </pre>
 */
final class Ext4Inode implements Inode {
  static final int BLOCK_AT = 0x28;
  static final int BLOCK_LENGTH = 60;
  private static final int FIRST_LENGTH = 128;

  static final int FLAG_COMPRESSED = 0x4;
  static final int FLAG_ENCRYPTED = 0x800;
  static final int FLAG_EXTENTS = 0x80000;
  static final int FLAG_INLINE_DATA = 0x1000_0000;

  private final long number;
  private final long offset;
  private final FileType type;
  private final long size;
  private final ByteBuffer raw;

  private Ext4Inode(long number, long offset, FileType type, long size, ByteBuffer raw) {
    this.number = number;
    this.offset = offset;
    this.type = type;
    this.size = size;
    this.raw = raw;
  }

  static Ext4Inode read(Volume volume, long number) throws IOException {
    long offset = volume.inodeOffset(number);
    int inBlock = (int) (offset % volume.blockSize());
    int length = volume.superblock().inodeSize();
    ByteBuffer raw =
        volume
            .block(offset / volume.blockSize())
            .slice(inBlock, length)
            .order(ByteOrder.LITTLE_ENDIAN);
    int mode = raw.getChar(0);
    FileType type = FileType.ofMode(mode);
    if (type == null || raw.getChar(0x1A) == 0) {
      throw volume.bad(
          offset,
          "inode " + number,
          "one in use",
          "mode 0x%x with %d links".formatted(mode, (int) raw.getChar(0x1A)));
    }
    boolean wide =
        type == FileType.REGULAR
            || (type == FileType.DIRECTORY
                && (volume.superblock().incompat() & Superblock.INCOMPAT_LARGEDIR) != 0);
    long high = wide ? raw.getInt(0x6C) & 0xFFFF_FFFFL : 0;
    long size = (raw.getInt(0x04) & 0xFFFF_FFFFL) | (high << 32);
    long longest = volume.blockSize() * 0xFFFF_FFFFL; // block numbers in a file have 32 bits
    if (size < 0 || size > longest) {
      throw volume.bad(offset + 0x04, "i_size", "0 to " + longest, Long.toUnsignedString(size));
    }
    var copy = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN).put(raw).flip();
    return new Ext4Inode(number, offset, type, size, copy);
  }

  @Override
  public long number() {
    return number;
  }

  @Override
  public FileType type() {
    return type;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public int permissions() {
    return raw.getChar(0) & 07777;
  }

  @Override
  public long uid() {
    return raw.getChar(0x02) | ((long) raw.getChar(0x78) << 16);
  }

  @Override
  public long gid() {
    return raw.getChar(0x18) | ((long) raw.getChar(0x7A) << 16);
  }

  @Override
  public long links() {
    return raw.getChar(0x1A);
  }

  @Override
  public long modifiedSeconds() {
    long extra = raw.capacity() >= 0x8C && extraLength() >= 12 ? raw.getInt(0x88) & 3L : 0;
    return raw.getInt(0x10) + (extra << 32);
  }

  @Override
  public long offset() {
    return offset;
  }

  boolean has(int flag) {
    return (raw.getInt(0x20) & flag) != 0;
  }

  /** The 60 bytes that say where the content is, or hold it. */
  ByteBuffer blockArea() {
    return raw.slice(BLOCK_AT, BLOCK_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** What follows the fixed fields: attributes that are stored in the inode. */
  ByteBuffer attributeArea() {
    int from = Math.min(raw.capacity(), FIRST_LENGTH + extraLength());
    return raw.slice(from, raw.capacity() - from).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Where {@link #attributeArea} begins on the disk. */
  long attributeOffset() {
    return offset + Math.min(raw.capacity(), FIRST_LENGTH + extraLength());
  }

  private int extraLength() {
    return raw.capacity() > FIRST_LENGTH ? raw.getChar(0x80) : 0;
  }

  @Override
  public String toString() {
    return "inode " + number + " (" + type + ", " + size + " bytes)";
  }
}
