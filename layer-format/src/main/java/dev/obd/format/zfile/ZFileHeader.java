package dev.obd.format.zfile;

import dev.obd.format.crc.RawCrc32c;
import dev.obd.io.FormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The record at both ends of a ZFile: 512 bytes, little-endian, of which 96 mean something.
 *
 * <pre>
 *  0  8 magic0            "ZFile\0\1\0"
 *  8 16 magic1            "tuji.yyf@Alibaba"
 * 24  4 size              96, not checked
 * 28  4 digest            raw CRC-32C, seed 0, of all 512 bytes with this field 0
 * 32  8 flags             see the FLAG constants
 * 40  8 index_offset      bytes from the start
 * 48  8 index_size        entries of the jump table
 * 56  8 original_file_size bytes
 * 64  4 index_crc         raw CRC-32C, seed 0, of the jump table
 * 72  4 block_size        bytes, a power of two
 * 76  1 algo              1 LZ4, 2 Zstandard
 * 77  1 level             0, not used
 * 78  1 use_dict          0, not used
 * 84  4 dict_size         bytes between header and first block
 * 88  1 verify            not 0: each block is followed by its checksum
 * </pre>
 *
 * The values are as stored, unchecked: legacy files hold leftover memory in unknown flags, reserved
 * fields and padding, and a header that is not overwritten has no index fields. Source: overlaybd
 * 063821f, zfile/zfile.cpp.
 *
 * @param digest as stored; {@link #encode} computes it anew
 * @param flags all 64 bits as stored
 * @param indexOffset bytes from the start of the file
 * @param indexCount number of blocks
 * @param originalBytes size of the uncompressed content
 * @param indexCrc checksum of the jump table
 * @param blockBytes uncompressed size of every block but the last
 * @param algorithmCode see {@link Algorithm#code}
 * @param dictBytes shifts the first block when not 0
 * @param verify whether each block is followed by a checksum
 */
public record ZFileHeader(
    int digest,
    long flags,
    long indexOffset,
    long indexCount,
    long originalBytes,
    int indexCrc,
    int blockBytes,
    int algorithmCode,
    long dictBytes,
    boolean verify) {

  /** Size of the record in the file. */
  public static final int BYTES = 512;

  /** Set in a header, clear in a trailer. */
  public static final long FLAG_HEADER = 0x01;

  /** Always set: the file holds data. */
  public static final long FLAG_DATA = 0x02;

  /** Set in a trailer, clear in a header. */
  public static final long FLAG_SEALED = 0x04;

  /** Set in a header that was rewritten at the end and makes the trailer needless. */
  public static final long FLAG_OVERWRITTEN = 0x08;

  /** {@code digest} and {@code index_crc} are valid. */
  public static final long FLAG_DIGEST = 0x10;

  /** Where each field lies; the table in docs/formats/zfile.md is compared with this. */
  enum Field {
    MAGIC0(0, 8),
    MAGIC1(8, 16),
    SIZE(24, 4),
    DIGEST(28, 4),
    FLAGS(32, 8),
    INDEX_OFFSET(40, 8),
    INDEX_SIZE(48, 8),
    ORIGINAL_FILE_SIZE(56, 8),
    INDEX_CRC(64, 4),
    BLOCK_SIZE(72, 4),
    ALGO(76, 1),
    LEVEL(77, 1),
    USE_DICT(78, 1),
    DICT_SIZE(84, 4),
    VERIFY(88, 1);

    final int at;
    final int bytes;

    Field(int at, int bytes) {
      this.at = at;
      this.bytes = bytes;
    }
  }

  private static final long MAGIC0 = 0x0001_0065_6C69_465AL; // "ZFile\0\1\0"
  private static final long MAGIC1_LOW = 0x6679_792E_696A_7574L; // "tuji.yyf"
  private static final long MAGIC1_HIGH = 0x6162_6162_696C_4140L; // "@Alibaba"
  private static final int RECORD_BYTES = 96;

  /** Whether these bytes start a ZFile: both magics and the header flag. Needs 512 bytes. */
  public static boolean startsZFile(ByteBuffer raw) {
    ByteBuffer in = littleEndian(raw);
    return in.remaining() >= BYTES
        && in.getLong(Field.MAGIC0.at) == MAGIC0
        && in.getLong(Field.MAGIC1.at) == MAGIC1_LOW
        && in.getLong(Field.MAGIC1.at + 8) == MAGIC1_HIGH
        && (in.getLong(Field.FLAGS.at) & FLAG_HEADER) != 0;
  }

  /**
   * Reads a record and checks its magics and, if the flags say that there is one, its digest.
   *
   * @param blob the source's name, for errors
   * @param base where in the source the record lies, for errors
   * @param raw 512 bytes from its position; not changed
   */
  static ZFileHeader decode(String blob, long base, ByteBuffer raw) throws FormatException {
    ByteBuffer in = littleEndian(raw);
    expect(blob, base, Field.MAGIC0, MAGIC0, in.getLong(Field.MAGIC0.at));
    expect(blob, base, Field.MAGIC1, MAGIC1_LOW, in.getLong(Field.MAGIC1.at));
    expect(blob, base, Field.MAGIC1, MAGIC1_HIGH, in.getLong(Field.MAGIC1.at + 8));
    var header =
        new ZFileHeader(
            in.getInt(Field.DIGEST.at),
            in.getLong(Field.FLAGS.at),
            in.getLong(Field.INDEX_OFFSET.at),
            in.getLong(Field.INDEX_SIZE.at),
            in.getLong(Field.ORIGINAL_FILE_SIZE.at),
            in.getInt(Field.INDEX_CRC.at),
            in.getInt(Field.BLOCK_SIZE.at),
            in.get(Field.ALGO.at) & 0xFF,
            in.getInt(Field.DICT_SIZE.at) & 0xFFFF_FFFFL,
            in.get(Field.VERIFY.at) != 0);
    if (header.hasDigest()) {
      expect(blob, base, Field.DIGEST, digestOf(in), header.digest);
    }
    return header;
  }

  /** The 512 bytes of this record, digest included, ready to be read. */
  ByteBuffer encode() {
    ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(Field.MAGIC0.at, MAGIC0);
    out.putLong(Field.MAGIC1.at, MAGIC1_LOW);
    out.putLong(Field.MAGIC1.at + 8, MAGIC1_HIGH);
    out.putInt(Field.SIZE.at, RECORD_BYTES);
    out.putLong(Field.FLAGS.at, flags);
    out.putLong(Field.INDEX_OFFSET.at, indexOffset);
    out.putLong(Field.INDEX_SIZE.at, indexCount);
    out.putLong(Field.ORIGINAL_FILE_SIZE.at, originalBytes);
    out.putInt(Field.INDEX_CRC.at, indexCrc);
    out.putInt(Field.BLOCK_SIZE.at, blockBytes);
    out.put(Field.ALGO.at, (byte) algorithmCode);
    out.putInt(Field.DICT_SIZE.at, (int) dictBytes);
    out.put(Field.VERIFY.at, (byte) (verify ? 1 : 0));
    out.putInt(Field.DIGEST.at, digestOf(out));
    return out;
  }

  /** True for a header, false for a trailer. */
  public boolean isHeader() {
    return has(FLAG_HEADER);
  }

  /** True if this header carries the final fields and no trailer is needed. */
  public boolean isOverwritten() {
    return has(FLAG_OVERWRITTEN);
  }

  /** True if the digest and the jump table's checksum are valid. */
  public boolean hasDigest() {
    return has(FLAG_DIGEST);
  }

  private boolean has(long flag) {
    return (flags & flag) != 0;
  }

  ZFileHeader withFlags(long newFlags) {
    return new ZFileHeader(
        digest,
        newFlags,
        indexOffset,
        indexCount,
        originalBytes,
        indexCrc,
        blockBytes,
        algorithmCode,
        dictBytes,
        verify);
  }

  private static int digestOf(ByteBuffer record) {
    byte[] copy = new byte[BYTES];
    record.get(0, copy);
    ByteBuffer.wrap(copy).putInt(Field.DIGEST.at, 0);
    return RawCrc32c.of(0, copy);
  }

  private static ByteBuffer littleEndian(ByteBuffer raw) {
    return raw.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void expect(String blob, long base, Field field, long expected, long actual)
      throws FormatException {
    if (expected != actual) {
      throw new FormatException(
          blob,
          base + field.at,
          nameOf(field),
          "0x" + Long.toHexString(expected),
          "0x" + Long.toHexString(actual));
    }
  }

  static String nameOf(Field field) {
    return field.name().toLowerCase(java.util.Locale.ROOT);
  }
}
