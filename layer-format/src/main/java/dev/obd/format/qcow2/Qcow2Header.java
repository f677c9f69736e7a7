package dev.obd.format.qcow2;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The start of a qcow2 image. All numbers are big-endian.
 *
 * <pre>
 * offset bytes field
 *      0     4 magic                 "QFI\xFB"
 *      4     4 version               2 or 3
 *      8     8 backing_file_offset   0: none
 *     16     4 backing_file_size     length of the name, at most 1023
 *     20     4 cluster_bits          9 to 21
 *     24     8 size                  of the disk, in bytes
 *     32     4 crypt_method          0: none
 *     36     4 l1_size               entries
 *     40     8 l1_table_offset
 *     48     8 refcount_table_offset
 *     56     4 refcount_table_clusters
 *     60     4 nb_snapshots
 *     64     8 snapshots_offset
 *     72     8 incompatible_features version 3 from here on; bit 0 dirty, 1 corrupt, 2 external data
 *                                    file, 3 compression type, 4 extended L2 entries
 *     80     8 compatible_features
 *     88     8 autoclear_features
 *     96     4 refcount_order
 *    100     4 header_length
 *    104     1 compression_type      if header_length > 104; 0 deflate, 1 zstd
 * </pre>
 *
 * Header extensions follow (type, length, data padded to 8 bytes); one of them names the format of
 * the backing file. Source: QEMU, docs/interop/qcow2.txt.
 *
 * @param size of the disk, in bytes
 * @param l1Entries entries of the L1 table that the disk needs; all of them lie inside the image
 */
record Qcow2Header(
    int version,
    int clusterBits,
    long size,
    long l1Offset,
    long l1Entries,
    boolean zstd,
    @Nullable String backingFile,
    @Nullable String backingFormat) {

  static final int MAGIC = 0x514649FB;

  private static final int VERSION_AT = 4;
  private static final int BACKING_FILE_OFFSET_AT = 8;
  private static final int BACKING_FILE_SIZE_AT = 16;
  private static final int CLUSTER_BITS_AT = 20;
  private static final int SIZE_AT = 24;
  private static final int CRYPT_METHOD_AT = 32;
  private static final int L1_SIZE_AT = 36;
  private static final int L1_TABLE_OFFSET_AT = 40;
  private static final int INCOMPATIBLE_FEATURES_AT = 72;
  private static final int HEADER_LENGTH_AT = 100;
  private static final int COMPRESSION_TYPE_AT = 104;

  private static final int V2_LENGTH = 72;
  private static final int V3_LENGTH = 104;
  private static final int LONGEST = 112;
  private static final int MIN_CLUSTER_BITS = 9;
  private static final int MAX_CLUSTER_BITS = 21;
  private static final int MAX_BACKING_NAME = 1023;
  private static final long MAX_L1_ENTRIES = (32 << 20) / 8; // as QEMU: 32 MiB of table

  private static final long CORRUPT = 1 << 1;
  private static final long EXTERNAL_DATA = 1 << 2;
  private static final long COMPRESSION_TYPE = 1 << 3;
  private static final long EXTENDED_L2 = 1 << 4;
  private static final long KNOWN = 0x1F;

  private static final int END_OF_EXTENSIONS = 0;
  private static final int BACKING_FORMAT = 0xE2792ACA;
  private static final int MAX_FORMAT_NAME = 32;

  int clusterSize() {
    return 1 << clusterBits;
  }

  /** How many bytes of the disk one L2 table maps, as a power of two: a table fills a cluster. */
  int tableBits() {
    return clusterBits + clusterBits - 3;
  }

  static Qcow2Header read(BlockSource image) throws IOException {
    var raw = ByteBuffer.allocate(LONGEST).order(ByteOrder.BIG_ENDIAN); // what is missing reads 0
    raw.limit((int) Math.min(LONGEST, image.size()));
    if (raw.limit() < V2_LENGTH) {
      throw bad(image, 0, "header", "at least " + V2_LENGTH + " bytes", raw.limit());
    }
    image.read(0, raw);
    raw.clear();
    int version = raw.getInt(VERSION_AT);
    if (raw.getInt(0) != MAGIC) {
      throw bad(image, 0, "magic", hex(MAGIC), hex(raw.getInt(0)));
    }
    if (version != 2 && version != 3) {
      throw bad(image, VERSION_AT, "version", "2 or 3", Integer.toUnsignedString(version));
    }
    int clusterBits = raw.getInt(CLUSTER_BITS_AT);
    if (clusterBits < MIN_CLUSTER_BITS || clusterBits > MAX_CLUSTER_BITS) {
      throw bad(image, CLUSTER_BITS_AT, "cluster_bits", "9 to 21", clusterBits);
    }
    if (raw.getInt(CRYPT_METHOD_AT) != 0) {
      throw bad(
          image, CRYPT_METHOD_AT, "crypt_method", "0 (no encryption)", raw.getInt(CRYPT_METHOD_AT));
    }
    int length = version == 2 ? V2_LENGTH : raw.getInt(HEADER_LENGTH_AT);
    if (length < (version == 2 ? V2_LENGTH : V3_LENGTH)
        || length > 1 << clusterBits
        || length > image.size()) {
      throw bad(
          image,
          HEADER_LENGTH_AT,
          "header_length",
          "104 to a cluster",
          Integer.toUnsignedString(length));
    }
    boolean zstd = version == 3 && features(image, raw, length);
    long size = raw.getLong(SIZE_AT);
    long l1Offset = raw.getLong(L1_TABLE_OFFSET_AT);
    long l1Entries = l1Entries(image, raw, clusterBits, size, l1Offset);
    String backing = backingFile(image, raw, clusterBits, length);
    return new Qcow2Header(
        version,
        clusterBits,
        size,
        l1Offset,
        l1Entries,
        zstd,
        backing,
        backing == null ? null : backingFormat(image, raw, length));
  }

  /** Refuses what this reader cannot do; true if clusters are compressed with zstd. */
  private static boolean features(BlockSource image, ByteBuffer raw, int length)
      throws FormatException {
    long features = raw.getLong(INCOMPATIBLE_FEATURES_AT);
    String refused =
        (features & ~KNOWN) != 0
            ? "only known features"
            : (features & CORRUPT) != 0
                ? "an image not marked corrupt (qemu-img check -r repairs one)"
                : (features & EXTERNAL_DATA) != 0
                    ? "no external data file"
                    : (features & EXTENDED_L2) != 0 ? "no extended L2 entries" : "";
    if (!refused.isEmpty()) {
      throw bad(image, INCOMPATIBLE_FEATURES_AT, "incompatible_features", refused, hex(features));
    }
    int type = length > COMPRESSION_TYPE_AT ? raw.get(COMPRESSION_TYPE_AT) & 0xFF : 0;
    boolean stated = (features & COMPRESSION_TYPE) != 0;
    if (type > 1 || (type == 1) != stated) {
      throw bad(
          image,
          COMPRESSION_TYPE_AT,
          "compression_type",
          "0 (deflate), or 1 (zstd) with its feature bit",
          type + (stated ? " with the bit" : " without the bit"));
    }
    return type == 1;
  }

  private static long l1Entries(
      BlockSource image, ByteBuffer raw, int clusterBits, long size, long offset)
      throws FormatException {
    if (size < 0) {
      throw bad(image, SIZE_AT, "size", "at most 2^63 - 1", Long.toUnsignedString(size));
    }
    int tableBits = clusterBits + clusterBits - 3;
    long needed = (size >>> tableBits) + ((size & ((1L << tableBits) - 1)) == 0 ? 0 : 1);
    long stored = raw.getInt(L1_SIZE_AT) & 0xFFFF_FFFFL;
    if (stored < needed || stored > MAX_L1_ENTRIES) {
      throw bad(
          image, L1_SIZE_AT, "l1_size", needed + " to " + MAX_L1_ENTRIES + " entries", stored);
    }
    if (needed > 0
        && (offset <= 0
            || (offset & ((1L << clusterBits) - 1)) != 0
            || offset > image.size() - 8 * needed)) {
      throw bad(
          image,
          L1_TABLE_OFFSET_AT,
          "l1_table_offset",
          "a cluster of the image with room for " + needed + " entries",
          hex(offset));
    }
    return needed;
  }

  private static @Nullable String backingFile(
      BlockSource image, ByteBuffer raw, int clusterBits, int headerLength) throws IOException {
    long offset = raw.getLong(BACKING_FILE_OFFSET_AT);
    if (offset == 0) {
      return null;
    }
    int length = raw.getInt(BACKING_FILE_SIZE_AT);
    if (length < 1 || length > MAX_BACKING_NAME) {
      throw bad(image, BACKING_FILE_SIZE_AT, "backing_file_size", "1 to 1023 bytes", length);
    }
    if (offset < headerLength
        || offset > (1L << clusterBits) - length
        || offset > image.size() - length) {
      throw bad(
          image,
          BACKING_FILE_OFFSET_AT,
          "backing_file_offset",
          "behind the header in the first cluster",
          hex(offset));
    }
    return StandardCharsets.UTF_8.decode(BlockSources.readFully(image, offset, length)).toString();
  }

  private static @Nullable String backingFormat(BlockSource image, ByteBuffer raw, int headerLength)
      throws IOException {
    long end = Math.min(raw.getLong(BACKING_FILE_OFFSET_AT), image.size());
    long at = (headerLength + 7L) & ~7;
    while (at <= end - 8) {
      ByteBuffer extension = BlockSources.readFully(image, at, 8).order(ByteOrder.BIG_ENDIAN);
      int type = extension.getInt();
      long length = extension.getInt() & 0xFFFF_FFFFL;
      if (type == END_OF_EXTENSIONS) {
        return null;
      }
      if (length > end - at - 8) {
        throw bad(image, at + 4, "header extension length", "at most " + (end - at - 8), length);
      }
      if (type == BACKING_FORMAT) {
        if (length > MAX_FORMAT_NAME) {
          throw bad(image, at + 4, "length of backing format", "at most 32", length);
        }
        return StandardCharsets.UTF_8
            .decode(BlockSources.readFully(image, at + 8, (int) length))
            .toString();
      }
      at += 8 + ((length + 7) & ~7L);
    }
    return null;
  }

  private static FormatException bad(
      BlockSource image, long offset, String field, Object expected, Object actual) {
    return new FormatException(image.name(), offset, field, expected, actual);
  }

  private static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }

  private static String hex(int value) {
    return "0x" + Integer.toHexString(value);
  }
}
