package dev.obd.backstore.inspect;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Which file system a disk holds, by the magic numbers of the superblocks. Little-endian but for
 * XFS. Source: the Linux kernel's headers of each.
 */
public final class FileSystemProbe {
  private static final int EXT_AT = 1024;
  private static final int EXT_COMPAT_HAS_JOURNAL = 0x4;
  private static final int EXT_INCOMPAT_EXT4_ONLY = 0x40 | 0x80 | 0x200; // extents, 64bit, flex_bg
  private static final int BTRFS_AT = 0x10040;
  private static final int HEAD_BYTES = 2048;

  private FileSystemProbe() {}

  /** {@code ext4}, {@code xfs}, …; empty if it is none of those known. Two reads at most. */
  public static Optional<String> detect(BlockSource disk) throws IOException {
    ByteBuffer head = BlockSources.readFully(disk, 0, (int) Math.min(HEAD_BYTES, disk.size()));
    if (head.limit() == HEAD_BYTES) {
      if (head.getChar(EXT_AT + 0x38) == 0xEF53) {
        return Optional.of(ext(head));
      }
      if (head.getInt(EXT_AT) == 0xE0F5_E1E2) {
        return Optional.of("erofs");
      }
    }
    if (starts(head, 0, "XFSB")) {
      return Optional.of("xfs");
    }
    if (starts(head, 0, "hsqs")) {
      return Optional.of("squashfs");
    }
    if (starts(head, 3, "NTFS    ")) {
      return Optional.of("ntfs");
    }
    if (starts(head, 54, "FAT") || starts(head, 82, "FAT")) {
      return Optional.of("vfat");
    }
    if (starts(head, 512, "EFI PART")) {
      return Optional.of("partition table (GPT)");
    }
    if (disk.size() >= BTRFS_AT + 8
        && starts(BlockSources.readFully(disk, BTRFS_AT, 8), 0, "_BHRfS_M")) {
      return Optional.of("btrfs");
    }
    if (head.limit() >= 512 && head.getChar(510) == 0xAA55) {
      return Optional.of("partition table (MBR)");
    }
    return Optional.empty();
  }

  private static String ext(ByteBuffer head) {
    if ((head.getInt(EXT_AT + 0x60) & EXT_INCOMPAT_EXT4_ONLY) != 0) {
      return "ext4";
    }
    return (head.getInt(EXT_AT + 0x5C) & EXT_COMPAT_HAS_JOURNAL) != 0 ? "ext3" : "ext2";
  }

  private static boolean starts(ByteBuffer bytes, int at, String text) {
    byte[] wanted = text.getBytes(StandardCharsets.US_ASCII);
    return bytes.limit() >= at + wanted.length
        && bytes.slice(at, wanted.length).equals(ByteBuffer.wrap(wanted));
  }
}
