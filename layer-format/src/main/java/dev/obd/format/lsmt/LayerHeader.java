package dev.obd.format.lsmt;

import dev.obd.io.FormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.UUID;

/**
 * Header or trailer of an LSMT file, 4096 bytes, all numbers little-endian. There is no checksum.
 *
 * <pre>
 * offset  bytes  field
 *      0      8  magic0       "LSMT\0\1\2\0"
 *      8     16  magic1       65 7E 63 D2 94 44 08 4C A2 D2 C8 EC 4F CF AE 8A
 *     24      4  size         390; not checked
 *     28      4  flags        1 header, 2 data file, 4 sealed, 0x10 sparse
 *     32      8  indexOffset  bytes from the file's start
 *     40      8  indexCount   records of 16 bytes
 *     48      8  virtualSize  bytes
 *     56     37  uuid         36 characters of text and NUL
 *     93     37  parentUuid   the same
 *    130      2  reserved     0
 *    132      1  version      1
 *    133      1  subVersion   1
 *    134    256  userTag      zero padded; may fill all 256 bytes
 * </pre>
 *
 * Source: overlaybd 063821f, lsmt/file.cpp.
 *
 * @param flags the bits above
 * @param indexOffset bytes; valid in trailers
 * @param indexCount records, padding included; valid in trailers
 * @param virtualSize bytes of the disk, as found: check before use
 * @param uuid the layer's id; {@link #NO_UUID} if it has none or the text is not a UUID
 * @param parentUuid the id of the layer below; {@link #NO_UUID} as above
 * @param version 1
 * @param subVersion 1
 * @param userTag free text
 */
public record LayerHeader(
    int flags,
    long indexOffset,
    long indexCount,
    long virtualSize,
    UUID uuid,
    UUID parentUuid,
    int version,
    int subVersion,
    String userTag) {
  /** Bytes of a header or trailer. */
  public static final int BYTES = 4096;

  /** "Not set": written as text of zeros. */
  public static final UUID NO_UUID = new UUID(0, 0);

  /** The largest disk that records can describe, in bytes. */
  public static final long MAX_VIRTUAL_SIZE = Segment.INVALID_OFFSET * Segment.SECTOR;

  /** The longest user tag, in bytes. */
  public static final int MAX_USER_TAG = 256;

  /** Flag: this is a header (else a trailer). */
  public static final int HEADER = 0x01;

  /** Flag: of a data file (else of an index file). */
  public static final int DATA = 0x02;

  /** Flag: no longer writable. */
  public static final int SEALED = 0x04;

  /** Flag: the data file is a flat image with holes. */
  public static final int SPARSE = 0x10;

  /** Where each field lies; docs/formats/lsmt.md has the same table. */
  enum Field {
    MAGIC0("magic0", 0, 8),
    MAGIC1("magic1", 8, 16),
    SIZE("size", 24, 4),
    FLAGS("flags", 28, 4),
    INDEX_OFFSET("indexOffset", 32, 8),
    INDEX_COUNT("indexCount", 40, 8),
    VIRTUAL_SIZE("virtualSize", 48, 8),
    UUID("uuid", 56, 37),
    PARENT_UUID("parentUuid", 93, 37),
    RESERVED("reserved", 130, 2),
    VERSION("version", 132, 1),
    SUB_VERSION("subVersion", 133, 1),
    USER_TAG("userTag", 134, 256);

    final String text;
    final int at;
    final int bytes;

    Field(String text, int at, int bytes) {
      this.text = text;
      this.at = at;
      this.bytes = bytes;
    }
  }

  private static final long MAGIC0 = 0x0002_0100_544D_534CL;
  private static final long MAGIC1_LOW = 0x4C08_4494_D263_7E65L;
  private static final long MAGIC1_HIGH = 0x8AAE_CF4F_ECC8_D2A2L;
  private static final int SIZE = 390;

  /** A header or trailer of the current version. */
  static LayerHeader of(
      int flags,
      long indexOffset,
      long indexCount,
      long virtualSize,
      UUID uuid,
      UUID parentUuid,
      String userTag) {
    return new LayerHeader(
        flags, indexOffset, indexCount, virtualSize, uuid, parentUuid, 1, 1, userTag);
  }

  /** True if {@code start}, the first bytes of a file, begin an LSMT file. */
  public static boolean matches(ByteBuffer start) {
    ByteBuffer b = start.slice().order(ByteOrder.LITTLE_ENDIAN);
    return b.remaining() >= Field.INDEX_OFFSET.at
        && b.getLong(0) == MAGIC0
        && b.getLong(8) == MAGIC1_LOW
        && b.getLong(16) == MAGIC1_HIGH
        && (b.getInt(Field.FLAGS.at) & HEADER) != 0;
  }

  /**
   * Reads the {@link #BYTES} bytes of {@code raw}, which lie at {@code at} in {@code blob}.
   *
   * @throws FormatException if the magic is not there; nothing else is checked
   */
  public static LayerHeader decode(String blob, long at, ByteBuffer raw) throws FormatException {
    ByteBuffer b = raw.slice().order(ByteOrder.LITTLE_ENDIAN);
    expect(blob, at, Field.MAGIC0, 0, MAGIC0, b);
    expect(blob, at, Field.MAGIC1, 0, MAGIC1_LOW, b);
    expect(blob, at, Field.MAGIC1, 8, MAGIC1_HIGH, b);
    return new LayerHeader(
        b.getInt(Field.FLAGS.at),
        b.getLong(Field.INDEX_OFFSET.at),
        b.getLong(Field.INDEX_COUNT.at),
        b.getLong(Field.VIRTUAL_SIZE.at),
        uuid(b, Field.UUID),
        uuid(b, Field.PARENT_UUID),
        Byte.toUnsignedInt(b.get(Field.VERSION.at)),
        Byte.toUnsignedInt(b.get(Field.SUB_VERSION.at)),
        text(b, Field.USER_TAG));
  }

  /** The {@link #BYTES} bytes of this header, ready to be read. */
  ByteBuffer encode() {
    ByteBuffer b = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    b.putLong(0, MAGIC0).putLong(8, MAGIC1_LOW).putLong(16, MAGIC1_HIGH);
    b.putInt(Field.SIZE.at, SIZE).putInt(Field.FLAGS.at, flags);
    b.putLong(Field.INDEX_OFFSET.at, indexOffset).putLong(Field.INDEX_COUNT.at, indexCount);
    b.putLong(Field.VIRTUAL_SIZE.at, virtualSize);
    b.put(Field.UUID.at, ascii(uuid)).put(Field.PARENT_UUID.at, ascii(parentUuid));
    b.put(Field.VERSION.at, (byte) version).put(Field.SUB_VERSION.at, (byte) subVersion);
    b.put(Field.USER_TAG.at, userTagBytes(userTag));
    return b;
  }

  /** The bytes of a tag, at most {@link #MAX_USER_TAG}. */
  static byte[] userTagBytes(String tag) {
    byte[] bytes = tag.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > MAX_USER_TAG) {
      throw new IllegalArgumentException(
          "user tag: at most " + MAX_USER_TAG + " bytes of UTF-8, got " + bytes.length);
    }
    return bytes;
  }

  /** True if all bits of {@code mask} are set. */
  public boolean has(int mask) {
    return (flags & mask) == mask;
  }

  /** Fails unless bit {@code mask} of the flags is {@code set}; {@code meaning} says what it is. */
  void require(String blob, long at, int mask, boolean set, String meaning) throws FormatException {
    if (has(mask) != set) {
      throw new FormatException(
          blob,
          at + Field.FLAGS.at,
          Field.FLAGS.text,
          meaning + " (bit 0x" + Integer.toHexString(mask) + (set ? " set)" : " clear)"),
          "0x" + Integer.toHexString(flags));
    }
  }

  /** Fails unless the virtual size is one that a disk can have. */
  void requireVirtualSize(String blob, long at) throws FormatException {
    if (virtualSize < 0 || virtualSize > MAX_VIRTUAL_SIZE) {
      throw new FormatException(
          blob,
          at + Field.VIRTUAL_SIZE.at,
          Field.VIRTUAL_SIZE.text,
          "at most " + MAX_VIRTUAL_SIZE,
          Long.toUnsignedString(virtualSize));
    }
  }

  private static void expect(
      String blob, long at, Field field, int within, long expected, ByteBuffer b)
      throws FormatException {
    long actual = b.getLong(field.at + within);
    if (actual != expected) {
      throw new FormatException(
          blob,
          at + field.at + within,
          field.text,
          "0x" + Long.toHexString(expected),
          "0x" + Long.toHexString(actual));
    }
  }

  private static byte[] ascii(UUID uuid) {
    return uuid.toString().toUpperCase(Locale.ROOT).getBytes(StandardCharsets.US_ASCII);
  }

  /** Nothing relies on the ids, so text that is none reads as "not set". */
  private static UUID uuid(ByteBuffer b, Field field) {
    String text = text(b, field);
    if (!text.matches("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")) {
      return NO_UUID;
    }
    return UUID.fromString(text);
  }

  private static String text(ByteBuffer b, Field field) {
    byte[] bytes = new byte[field.bytes];
    b.get(field.at, bytes);
    int length = bytes.length;
    while (length > 0 && bytes[length - 1] == 0) {
      length--;
    }
    return new String(Arrays.copyOf(bytes, length), StandardCharsets.UTF_8);
  }
}
