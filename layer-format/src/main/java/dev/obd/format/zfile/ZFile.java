package dev.obd.format.zfile;

import dev.obd.format.crc.RawCrc32c;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.DerivedSource;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.zip.DataFormatException;
import org.jspecify.annotations.Nullable;

/**
 * The uncompressed content of a ZFile. Each block's checksum is verified whenever it is read, and
 * bytes that prove wrong are asked for again where the blob may have another copy. Thread-safe.
 * Closing it closes the blob.
 */
public final class ZFile implements DerivedSource {
  /** Seed of a block's checksum. */
  static final int BLOCK_CRC_SEED = 100_007;

  static final int MAX_BLOCK_BYTES = 1 << 16;
  static final int CRC_BYTES = Integer.BYTES;

  private static final int MAX_REREADS = 3;
  private static final int MAX_REOPENS = 2;

  private final BlockSource blob;
  private final ZFileHeader header;
  private final JumpTable table;
  private final BlockCodec codec;
  private final int readBytes;
  private final int blockShift;
  private final int crcBytes;
  private final long size;

  private ZFile(BlockSource blob, Loaded loaded, int readBytes) {
    this.blob = blob;
    this.header = loaded.header;
    this.table = loaded.table;
    this.codec = BlockCodec.of(loaded.algorithm);
    this.readBytes = readBytes;
    this.blockShift = Integer.numberOfTrailingZeros(header.blockBytes());
    this.crcBytes = header.verify() ? CRC_BYTES : 0;
    this.size = header.originalBytes();
  }

  private record Loaded(ZFileHeader header, Algorithm algorithm, JumpTable table) {}

  /**
   * The two records of a ZFile.
   *
   * @param header as stored at the start
   * @param trailer as stored at the end; null if the header makes it needless
   */
  public record Records(ZFileHeader header, @Nullable ZFileHeader trailer) {
    /** The one that says where the jump table is. */
    public ZFileHeader used() {
      return trailer == null ? header : trailer;
    }
  }

  /** {@link #open(BlockSource, ZFileOptions)} with the default options. */
  public static ZFile open(BlockSource blob) throws IOException {
    return open(blob, ZFileOptions.DEFAULT);
  }

  /**
   * Opens a ZFile. Reads the header, the trailer if the header was not overwritten, and the jump
   * table. If they prove wrong and the blob may have another copy, everything is evicted and read
   * again, twice at most.
   *
   * @throws FormatException if {@code blob} is not a ZFile, or damaged; it stays the caller's then
   */
  public static ZFile open(BlockSource blob, ZFileOptions options) throws IOException {
    return open(blob, options, head(blob));
  }

  /** As {@link #open(BlockSource, ZFileOptions)}, or nothing if {@code blob} is no ZFile at all. */
  public static Optional<ZFile> openIfZFile(BlockSource blob, ZFileOptions options)
      throws IOException {
    ByteBuffer head = head(blob);
    return ZFileHeader.startsZFile(head)
        ? Optional.of(open(blob, options, head))
        : Optional.empty();
  }

  /** Reads the header and, where it counts, the trailer; nothing if {@code blob} is no ZFile. */
  public static Optional<Records> inspect(BlockSource blob) throws IOException {
    ByteBuffer head = head(blob);
    return ZFileHeader.startsZFile(head) ? Optional.of(records(blob, head)) : Optional.empty();
  }

  private static ZFile open(BlockSource blob, ZFileOptions options, ByteBuffer firstHead)
      throws IOException {
    ByteBuffer head = firstHead;
    for (int reopens = 0; ; reopens++) {
      try {
        return new ZFile(blob, load(blob, options, head), options.readBytes());
      } catch (FormatException e) {
        if (reopens == MAX_REOPENS || !blob.evict(0, blob.size())) {
          throw e;
        }
        head = head(blob);
      }
    }
  }

  /** The first 512 bytes, or fewer if there are fewer. */
  private static ByteBuffer head(BlockSource blob) throws IOException {
    return BlockSources.readFully(blob, 0, (int) Math.min(ZFileHeader.BYTES, blob.size()));
  }

  private static Records records(BlockSource blob, ByteBuffer head) throws IOException {
    if (head.remaining() < ZFileHeader.BYTES) {
      throw new FormatException(
          blob.name(), 0, "file size", "at least " + ZFileHeader.BYTES, head.remaining());
    }
    ZFileHeader header = ZFileHeader.decode(blob.name(), 0, head);
    checkFlags(blob, 0, header, "header", ZFileHeader.FLAG_HEADER, 0);
    if (header.isOverwritten()) {
      return new Records(header, null);
    }
    long at = blob.size() - ZFileHeader.BYTES;
    if (at < ZFileHeader.BYTES) {
      throw new FormatException(
          blob.name(), 0, "file size", "room for header and trailer", blob.size());
    }
    ZFileHeader trailer =
        ZFileHeader.decode(blob.name(), at, BlockSources.readFully(blob, at, ZFileHeader.BYTES));
    checkFlags(
        blob,
        at,
        trailer,
        "trailer",
        ZFileHeader.FLAG_DATA | ZFileHeader.FLAG_SEALED,
        ZFileHeader.FLAG_HEADER);
    return new Records(header, trailer);
  }

  /** Only single bits: legacy files have leftover memory in the others. */
  private static void checkFlags(
      BlockSource blob, long base, ZFileHeader record, String what, long set, long clear)
      throws FormatException {
    if ((record.flags() & (set | clear)) != set) {
      throw new FormatException(
          blob.name(),
          base + ZFileHeader.Field.FLAGS.at,
          what + " flags",
          "bits 0x" + Long.toHexString(set) + " set and 0x" + Long.toHexString(clear) + " clear",
          "0x" + Long.toHexString(record.flags()));
    }
  }

  private static Loaded load(BlockSource blob, ZFileOptions options, ByteBuffer head)
      throws IOException {
    Records records = records(blob, head);
    ZFileHeader header = records.used();
    long base = records.trailer() == null ? 0 : blob.size() - ZFileHeader.BYTES;
    long tableLimit = records.trailer() == null ? blob.size() : base;
    var check = new Check(blob.name(), base);

    Optional<Algorithm> algorithm = Algorithm.ofCode(header.algorithmCode());
    check.that(algorithm.isPresent(), ZFileHeader.Field.ALGO, "1 or 2", header.algorithmCode());
    int blockBytes = header.blockBytes();
    check.that(
        Integer.bitCount(blockBytes) == 1 && blockBytes > 0 && blockBytes <= MAX_BLOCK_BYTES,
        ZFileHeader.Field.BLOCK_SIZE,
        "a power of two up to " + MAX_BLOCK_BYTES,
        Integer.toUnsignedString(blockBytes));
    long count = header.indexCount();
    check.that(
        count >= 0 && count <= options.maxBlocks(),
        ZFileHeader.Field.INDEX_SIZE,
        "at most " + options.maxBlocks(),
        Long.toUnsignedString(count));
    long original = header.originalBytes();
    check.that(
        original >= 0 && original <= count * blockBytes && original > (count - 1) * blockBytes,
        ZFileHeader.Field.ORIGINAL_FILE_SIZE,
        "the bytes of " + count + " blocks of " + blockBytes,
        Long.toUnsignedString(original));
    long start = ZFileHeader.BYTES + header.dictBytes();
    long tableAt = header.indexOffset();
    check.that(
        tableAt >= start && tableAt <= tableLimit - count * Integer.BYTES,
        ZFileHeader.Field.INDEX_OFFSET,
        "from " + start + " to " + (tableLimit - count * Integer.BYTES),
        Long.toUnsignedString(tableAt));

    int crcBytes = header.verify() ? CRC_BYTES : 0;
    var shape =
        new JumpTable.Shape(
            count,
            start,
            tableAt,
            crcBytes + BlockCodec.MIN_COMPRESSED,
            crcBytes + blockBytes + BlockCodec.MAX_GROWTH,
            header.hasDigest() ? OptionalInt.of(header.indexCrc()) : OptionalInt.empty());
    return new Loaded(header, algorithm.orElseThrow(), JumpTable.load(blob, shape));
  }

  private record Check(String blob, long base) {
    void that(boolean holds, ZFileHeader.Field field, Object expected, Object actual)
        throws FormatException {
      if (!holds) {
        throw new FormatException(
            blob, base + field.at, ZFileHeader.nameOf(field), expected, actual);
      }
    }
  }

  /** The record in force: the header if it was overwritten, else the trailer. */
  public ZFileHeader header() {
    return header;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    if (!dst.hasRemaining()) {
      return;
    }
    long end = ((offset + dst.remaining() - 1) >>> blockShift) + 1;
    int skip = (int) (offset & (header.blockBytes() - 1));
    long block = offset >>> blockShift;
    while (block < end) {
      long runEnd = table.runEnd(block, end, readBytes);
      readRun(block, runEnd, skip, dst);
      skip = 0;
      block = runEnd;
    }
  }

  /** Reads the stored bytes of some adjacent blocks at once, then decodes one after the other. */
  private void readRun(long first, long end, int firstSkip, ByteBuffer dst) throws IOException {
    long from = table.offset(first);
    int length = (int) (table.offset(end) - from);
    try (Buffers.Lease raw = Buffers.lease(length)) {
      raw.fill(0, length, blob, from);
      int skip = firstSkip;
      for (long block = first; block < end; block++) {
        int at = (int) (table.offset(block) - from);
        int stored = (int) (table.offset(block + 1) - from) - at;
        readBlock(block, raw, at, stored, skip, dst);
        skip = 0;
      }
    }
  }

  /** Decodes one block into {@code dst}, with another copy of its bytes if need and chance be. */
  private void readBlock(
      long block, Buffers.Lease raw, int at, int stored, int skip, ByteBuffer dst)
      throws IOException {
    int length = (int) Math.min(header.blockBytes(), size - (block << blockShift));
    for (int rereads = 0; ; rereads++) {
      try {
        decode(raw.buffer(), at, stored - crcBytes, length, skip, dst);
        return;
      } catch (DataFormatException e) {
        long offset = table.offset(block);
        if (rereads == MAX_REREADS || !blob.evict(offset, stored)) {
          throw new FormatException(
              name(), offset, "block " + block, String.valueOf(e.getMessage()), e);
        }
        raw.fill(at, stored, blob, offset);
      }
    }
  }

  private void decode(ByteBuffer raw, int at, int compressed, int length, int skip, ByteBuffer dst)
      throws DataFormatException {
    if (crcBytes > 0) {
      verify(raw, at, compressed);
    }
    int wanted = Math.min(length - skip, dst.remaining());
    int position = dst.position();
    if (wanted == length && (dst.isDirect() || dst.hasArray())) {
      decompress(raw, at, compressed, dst, position, length);
    } else {
      try (Buffers.Lease whole = Buffers.lease(length)) {
        decompress(raw, at, compressed, whole.buffer(), 0, length);
        dst.put(position, whole.buffer(), skip, wanted);
      }
    }
    dst.position(position + wanted);
  }

  private static void verify(ByteBuffer raw, int at, int compressed) throws DataFormatException {
    raw.limit(at + compressed).position(at);
    int actual = RawCrc32c.of(BLOCK_CRC_SEED, raw);
    raw.limit(at + compressed + CRC_BYTES);
    int expected = raw.getInt(at + compressed);
    if (expected != actual) {
      throw new DataFormatException(
          "checksum: expected 0x"
              + Integer.toHexString(expected)
              + ", got 0x"
              + Integer.toHexString(actual));
    }
  }

  private void decompress(
      ByteBuffer raw, int at, int compressed, ByteBuffer dst, int dstAt, int length)
      throws DataFormatException {
    raw.limit(at + compressed).position(at);
    int got = codec.decompress(raw, at, compressed, dst, dstAt, length);
    if (got != length) {
      throw new DataFormatException("decompressed length: expected " + length + ", got " + got);
    }
  }

  @Override
  public BlockSource base() {
    return blob;
  }

  @Override
  public Range baseRange(long offset, long length) {
    long from = Math.min(Math.max(offset, 0), size);
    long end = length > size - from ? size : Math.max(from, offset + length);
    if (from == end) {
      return new Range(ZFileHeader.BYTES, 0);
    }
    long start = table.offset(from >>> blockShift);
    return new Range(start, table.offset(((end - 1) >>> blockShift) + 1) - start);
  }

  @Override
  public boolean evict(long offset, long length) throws IOException {
    Range range = baseRange(offset, length);
    return blob.evict(range.offset(), range.length());
  }

  @Override
  public String name() {
    return blob.name();
  }

  @Override
  public void close() throws IOException {
    blob.close();
  }
}
