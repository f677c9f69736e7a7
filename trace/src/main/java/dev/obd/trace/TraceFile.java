package dev.obd.trace;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * The trace file: header, then records, little-endian, with the padding of the C structures.
 *
 * <pre>
 * header              record
 *  0 4 magic           0 1 op       'R', or 'W' which nobody replays
 *  4 4 padding         1 3 padding
 *  8 8 dataSize        4 4 layer    0 = lowest
 * 16 4 checksum        8 8 length   bytes
 * 20 4 padding        16 8 offset   bytes of the layer's uncompressed LSMT stream
 * </pre>
 *
 * <p>{@code dataSize} is 24 times the number of records. {@code checksum} is the raw CRC-32C of all
 * records as stored. Padding is written as 0; the original leaves in it what was in memory, inside
 * the checksum, so reading must not look at it and must not re-serialise.
 *
 * <p>Source: overlaybd 063821f, src/prefetch.cpp; docs/formats/trace.md.
 */
public final class TraceFile {
  /** More are neither recorded nor read: bounds what a file can make us allocate. */
  public static final int MAX_RECORDS = 1 << 20;

  /** The largest file that is read, in bytes. */
  public static final int MAX_FILE_BYTES = 24 + 24 * MAX_RECORDS;

  /** Longer reads are written as several records: the original replays into a buffer of 1 MiB. */
  public static final int MAX_RECORD_LENGTH = 1 << 20;

  static final int HEADER_BYTES = 24;
  static final int RECORD_BYTES = 24;

  private static final int MAGIC = 0xC2EF1820;
  private static final int MAGIC_AT = 0;
  private static final int DATA_SIZE_AT = 8;
  private static final int CHECKSUM_AT = 16;

  private static final byte READ = 'R';
  private static final byte WRITE = 'W';
  private static final int OP_AT = 0;
  private static final int LAYER_AT = 4;
  private static final int LENGTH_AT = 8;
  private static final int OFFSET_AT = 16;

  private TraceFile() {}

  /** True if a file that starts with these bytes claims to be a trace. */
  public static boolean hasMagic(ByteBuffer start) {
    return start.remaining() >= HEADER_BYTES && littleEndian(start).getInt(MAGIC_AT) == MAGIC;
  }

  /**
   * Reads a trace file.
   *
   * @throws TraceFormatException if it is damaged or larger than {@link #MAX_FILE_BYTES}
   */
  public static Trace read(Path file) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      checkSize(file.toString(), channel.size());
      ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
      while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
        // A file that shrinks meanwhile is caught by dataSize.
      }
      return decode(file.toString(), bytes.flip());
    }
  }

  /**
   * Decodes a whole file. Records that say nothing to replay (writes, reads of nothing, layers
   * beyond any stack) are left out; lengths are as recorded, however long.
   *
   * @param name what an error calls the file
   * @throws TraceFormatException if it is damaged or larger than {@link #MAX_FILE_BYTES}
   */
  public static Trace decode(String name, ByteBuffer file) throws TraceFormatException {
    ByteBuffer in = littleEndian(file);
    checkSize(name, in.capacity());
    if (in.getInt(MAGIC_AT) != MAGIC) {
      throw new TraceFormatException(name, MAGIC_AT, "magic", hex(MAGIC), hex(in.getInt(MAGIC_AT)));
    }
    int dataSize = in.capacity() - HEADER_BYTES;
    if (in.getLong(DATA_SIZE_AT) != dataSize || dataSize % RECORD_BYTES != 0) {
      throw new TraceFormatException(
          name,
          DATA_SIZE_AT,
          "dataSize",
          "whole records that fill the file's " + in.capacity() + " bytes",
          Long.toUnsignedString(in.getLong(DATA_SIZE_AT)));
    }
    int checksum = RawCrc32c.of(in.slice(HEADER_BYTES, dataSize));
    if (in.getInt(CHECKSUM_AT) != checksum) {
      throw new TraceFormatException(
          name, CHECKSUM_AT, "checksum", hex(checksum), hex(in.getInt(CHECKSUM_AT)));
    }
    var trace = new Trace.Builder(dataSize / RECORD_BYTES);
    for (int at = HEADER_BYTES; at < in.capacity(); at += RECORD_BYTES) {
      decodeRecord(name, in, at, trace);
    }
    return trace.build();
  }

  private static void decodeRecord(String name, ByteBuffer in, int at, Trace.Builder trace)
      throws TraceFormatException {
    byte op = in.get(at + OP_AT);
    if (op != READ && op != WRITE) {
      throw new TraceFormatException(
          name, at + OP_AT, "op", "'R' or 'W'", "0x" + Integer.toHexString(op & 0xff));
    }
    int layer = in.getInt(at + LAYER_AT);
    long length = in.getLong(at + LENGTH_AT);
    long offset = in.getLong(at + OFFSET_AT);
    if (offset < 0) {
      throw new TraceFormatException(name, at + OFFSET_AT, "offset", "at least 0", offset);
    }
    if (length < 0 || offset + length < 0) {
      throw new TraceFormatException(
          name,
          at + LENGTH_AT,
          "length",
          "a range that ends below 2^63",
          Long.toUnsignedString(length) + " at " + offset);
    }
    if (op == READ && length > 0 && layer >= 0) {
      trace.add(layer, offset, length);
    }
  }

  /**
   * Encodes a whole file. Accesses longer than {@link #MAX_RECORD_LENGTH} become several records.
   *
   * @throws IllegalArgumentException if that makes more than {@link #MAX_RECORDS}
   */
  public static byte[] encode(List<Access> accesses) {
    int records = records(accesses);
    ByteBuffer out =
        ByteBuffer.allocate(HEADER_BYTES + records * RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.position(HEADER_BYTES);
    for (Access access : accesses) {
      for (long done = 0; done < access.length(); done += MAX_RECORD_LENGTH) {
        out.putInt(READ).putInt(access.layer());
        out.putLong(Math.min(MAX_RECORD_LENGTH, access.length() - done));
        out.putLong(access.offset() + done);
      }
    }
    out.flip();
    out.putInt(MAGIC_AT, MAGIC);
    out.putLong(DATA_SIZE_AT, (long) records * RECORD_BYTES);
    out.putInt(CHECKSUM_AT, RawCrc32c.of(out.slice(HEADER_BYTES, records * RECORD_BYTES)));
    return out.array();
  }

  private static int records(List<Access> accesses) {
    long records = 0;
    for (Access access : accesses) {
      records += (access.length() - 1) / MAX_RECORD_LENGTH + 1;
      if (records > MAX_RECORDS) {
        throw new IllegalArgumentException("trace: more than " + MAX_RECORDS + " records");
      }
    }
    return (int) records;
  }

  private static void checkSize(String name, long bytes) throws TraceFormatException {
    if (bytes < HEADER_BYTES || bytes > MAX_FILE_BYTES) {
      throw new TraceFormatException(
          name, 0, "size", "from " + HEADER_BYTES + " to " + MAX_FILE_BYTES + " bytes", bytes);
    }
  }

  private static ByteBuffer littleEndian(ByteBuffer bytes) {
    return bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static String hex(int value) {
    return String.format("0x%08x", value);
  }
}
