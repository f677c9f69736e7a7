package dev.obd.backstore.prefetch;

import dev.obd.io.FormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * Files that an image wants fetched ahead, as numbers of inodes: a table of a header and four bytes
 * for each, which travels as an annotation of the topmost data layer. A directory means everything
 * below it. Layout: docs/formats/prefetch-hints.md.
 *
 * <pre>
 *  0 u32 magic 0x4850424F, "OBPH"
 *  4 u32 version 1
 *  8 u32 number of entries
 * 12 u32 CRC-32C of the entries
 * 16 u32 inode, for each entry, in the order of fetching
 * </pre>
 *
 * @param inodes each 1 to 4294967295
 */
public record PrefetchHints(List<Long> inodes) {
  /** The annotation whose value is the table in base64. */
  public static final String ANNOTATION = "dev.obd.prefetch-hints";

  /** A longer list would make the manifest heavy for everybody; directories say more. */
  public static final int MAX_ENTRIES = 16_384;

  private static final int MAGIC = 0x4850_424F;
  private static final int VERSION = 1;
  private static final int HEADER = 16;
  private static final long MAX_INODE = 0xFFFF_FFFFL;

  public PrefetchHints {
    inodes = List.copyOf(inodes);
    if (inodes.size() > MAX_ENTRIES) {
      throw new IllegalArgumentException(
          "prefetch hints: expected at most "
              + MAX_ENTRIES
              + " files and directories, got "
              + inodes.size()
              + "; a directory stands for all below it");
    }
    for (long inode : inodes) {
      if (inode < 1 || inode > MAX_INODE) {
        throw new IllegalArgumentException(
            "prefetch hints: expected inodes of 1 to " + MAX_INODE + ", got " + inode);
      }
    }
  }

  /** The table. */
  public byte[] encode() {
    var table = ByteBuffer.allocate(HEADER + 4 * inodes.size()).order(ByteOrder.LITTLE_ENDIAN);
    table.position(HEADER);
    inodes.forEach(inode -> table.putInt(inode.intValue()));
    table.putInt(0, MAGIC).putInt(4, VERSION).putInt(8, inodes.size()).putInt(12, crc(table));
    return table.array();
  }

  /** The annotation's value. */
  public String toAnnotation() {
    return Base64.getEncoder().encodeToString(encode());
  }

  /**
   * Decodes an annotation's value.
   *
   * @param blob names the layer in messages
   * @throws FormatException if it is not such a table
   */
  public static PrefetchHints ofAnnotation(String blob, String value) throws FormatException {
    int longest = (HEADER + 4 * MAX_ENTRIES + 2) / 3 * 4;
    if (value.length() > longest) {
      throw new FormatException(
          blob, 0, "prefetch hints", "at most " + longest + " characters", value.length());
    }
    try {
      return decode(blob, Base64.getDecoder().decode(value));
    } catch (IllegalArgumentException e) {
      throw new FormatException(
          blob, 0, "prefetch hints", "base64", String.valueOf(e.getMessage()));
    }
  }

  /** Decodes a table; what it has twice counts once, where it comes first. */
  public static PrefetchHints decode(String blob, byte[] bytes) throws FormatException {
    var table = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.length < HEADER) {
      throw new FormatException(blob, 0, "prefetch hints", "16 bytes or more", bytes.length);
    }
    check(blob, 0, "magic", MAGIC, table.getInt(0));
    check(blob, 4, "version", VERSION, table.getInt(4));
    int count = table.getInt(8);
    if (count < 0 || count > MAX_ENTRIES || bytes.length != HEADER + 4 * count) {
      throw new FormatException(
          blob,
          8,
          "number of entries",
          (bytes.length - HEADER) / 4.0,
          Integer.toUnsignedLong(count));
    }
    check(blob, 12, "CRC-32C", crc(table), table.getInt(12));
    Set<Long> inodes = new LinkedHashSet<>(); // twice is no more than once, and walked once
    for (int i = 0; i < count; i++) {
      long inode = table.getInt(HEADER + 4 * i) & MAX_INODE;
      if (inode == 0) {
        throw new FormatException(blob, HEADER + 4L * i, "inode", "1 or more", 0);
      }
      inodes.add(inode);
    }
    return new PrefetchHints(List.copyOf(inodes));
  }

  private static void check(String blob, int at, String field, int expected, int actual)
      throws FormatException {
    if (actual != expected) {
      HexFormat hex = HexFormat.of();
      throw new FormatException(
          blob, at, "prefetch hints: " + field, hex.toHexDigits(expected), hex.toHexDigits(actual));
    }
  }

  private static int crc(ByteBuffer table) {
    var crc = new CRC32C();
    crc.update(table.slice(HEADER, table.capacity() - HEADER));
    return (int) crc.getValue();
  }
}
