package dev.obd.format.tar;

import dev.obd.io.FormatException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * One 512-byte tar header.
 *
 * <pre>
 *   0 100 name        345 155 prefix
 * 100   8 mode
 * 108   8 uid
 * 116   8 gid
 * 124  12 size        octal, or base 256 if the first bit is set
 * 136  12 mtime
 * 148   8 chksum      sum of all bytes, this field taken as spaces
 * 156   1 typeflag
 * 157 100 linkname
 * 257   6 magic       "ustar\0"; GNU: "ustar "
 * 263   2 version     "00"; GNU: " \0"
 * 265  32 uname
 * 297  32 gname
 * 329   8 devmajor
 * 337   8 devminor
 * </pre>
 *
 * Source: POSIX.1-2017, pax, ustar interchange format.
 */
final class TarHeader {
  static final int BYTES = 512;

  /** Where each field lies; the table in docs/formats/tar.md is compared with this. */
  enum Field {
    NAME(0, 100),
    MODE(100, 8),
    UID(108, 8),
    GID(116, 8),
    SIZE(124, 12),
    MTIME(136, 12),
    CHKSUM(148, 8),
    TYPEFLAG(156, 1),
    LINKNAME(157, 100),
    MAGIC(257, 6),
    VERSION(263, 2),
    UNAME(265, 32),
    GNAME(297, 32),
    DEVMAJOR(329, 8),
    DEVMINOR(337, 8),
    PREFIX(345, 155);

    final int at;
    final int bytes;

    Field(int at, int bytes) {
      this.at = at;
      this.bytes = bytes;
    }
  }

  private final String blob;
  private final long base;
  private final byte[] raw;

  /**
   * @param blob the source's name, for errors
   * @param base where in the source the header lies, for errors
   * @param raw its 512 bytes
   */
  TarHeader(String blob, long base, byte[] raw) {
    this.blob = blob;
    this.base = base;
    this.raw = raw;
  }

  /** True if all bytes are 0: the end of an archive. */
  boolean isZero() {
    return Arrays.equals(raw, new byte[BYTES]);
  }

  /** True for POSIX ustar, the only kind that the original takes for a wrapper. */
  boolean isUstar() {
    return startsWith(Field.MAGIC, "ustar") && startsWith(Field.VERSION, "00");
  }

  /** True for the older GNU format, whose prefix field means other things. */
  boolean isGnu() {
    return startsWith(Field.MAGIC, "ustar ") && startsWith(Field.VERSION, " \0");
  }

  private boolean startsWith(Field field, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    return Arrays.equals(raw, field.at, field.at + bytes.length, bytes, 0, bytes.length);
  }

  /** Whether the checksum holds; old writers summed signed bytes. */
  boolean checksumHolds() {
    long stored;
    try {
      stored = number(Field.CHKSUM);
    } catch (FormatException e) {
      return false;
    }
    return stored == checksum(raw, 0xFF) || stored == checksum(raw, -1);
  }

  /**
   * The sum of all bytes, the checksum field taken as spaces; {@code mask} -1 sums signed bytes.
   */
  private static int checksum(byte[] header, int mask) {
    int sum = ' ' * Field.CHKSUM.bytes;
    for (int i = 0; i < BYTES; i++) {
      if (i < Field.CHKSUM.at || i >= Field.CHKSUM.at + Field.CHKSUM.bytes) {
        sum += header[i] & mask;
      }
    }
    return sum;
  }

  static int checksum(byte[] header) {
    return checksum(header, 0xFF);
  }

  char type() {
    return (char) (raw[Field.TYPEFLAG.at] & 0xFF);
  }

  /** The bytes after the header that belong to it, at least 0. */
  long size() throws FormatException {
    return number(Field.SIZE);
  }

  int mode() throws FormatException {
    return (int) number(Field.MODE) & 07777;
  }

  String name() {
    String name = text(Field.NAME);
    String prefix = isUstar() ? text(Field.PREFIX) : "";
    return prefix.isEmpty() ? name : prefix + "/" + name;
  }

  private String text(Field field) {
    int end = field.at;
    while (end < field.at + field.bytes && raw[end] != 0) {
      end++;
    }
    return new String(raw, field.at, end - field.at, StandardCharsets.UTF_8);
  }

  private long number(Field field) throws FormatException {
    return (raw[field.at] & 0x80) != 0 ? base256(field) : octal(field);
  }

  private long octal(Field field) throws FormatException {
    int at = field.at;
    int end = field.at + field.bytes;
    while (at < end && raw[at] == ' ') {
      at++;
    }
    long value = 0; // 12 digits of 3 bits do not overflow
    for (; at < end && raw[at] != 0 && raw[at] != ' '; at++) {
      if (raw[at] < '0' || raw[at] > '7') {
        throw bad(field, "octal digits");
      }
      value = value << 3 | (raw[at] - '0');
    }
    return value;
  }

  /** GNU and star: big-endian two's complement in all bits but the first. */
  private long base256(Field field) throws FormatException {
    long value = raw[field.at] & 0x7F;
    for (int at = field.at + 1; at < field.at + field.bytes; at++) {
      if (value > Long.MAX_VALUE >>> 8) { // negative numbers end here too
        throw bad(field, "a number from 0 to 2^63 - 1");
      }
      value = value << 8 | (raw[at] & 0xFF);
    }
    return value;
  }

  private FormatException bad(Field field, String expected) {
    byte[] bytes = Arrays.copyOfRange(raw, field.at, field.at + field.bytes);
    return new FormatException(
        blob,
        base + field.at,
        "tar " + field.name().toLowerCase(Locale.ROOT),
        expected,
        java.util.HexFormat.of().formatHex(bytes));
  }

  /** Puts text into a field of a header under construction. */
  static void put(ByteBuffer header, Field field, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > field.bytes) {
      throw new IllegalArgumentException(
          "tar " + field + ": at most " + field.bytes + " bytes, got \"" + text + "\"");
    }
    header.put(field.at, bytes);
  }
}
