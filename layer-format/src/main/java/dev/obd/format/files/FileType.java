package dev.obd.format.files;

import org.jspecify.annotations.Nullable;

/** What an inode is; {@link #modeBits} are the top four bits of its mode, as POSIX has them. */
public enum FileType {
  FIFO(0x1),
  CHARACTER_DEVICE(0x2),
  DIRECTORY(0x4),
  BLOCK_DEVICE(0x6),
  REGULAR(0x8),
  SYMLINK(0xA),
  SOCKET(0xC);

  private final int modeBits;

  FileType(int modeBits) {
    this.modeBits = modeBits;
  }

  /** What the 16 bits of a mode say, or null if that is nothing. */
  public static @Nullable FileType ofMode(int mode) {
    for (FileType type : values()) {
      if (type.modeBits == mode >> 12) {
        return type;
      }
    }
    return null;
  }
}
