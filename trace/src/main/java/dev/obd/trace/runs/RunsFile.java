package dev.obd.trace.runs;

import dev.obd.trace.TraceFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.zip.CRC32C;

/**
 * The file of a set of runs. One set has one encoding, so the same runs give the same bytes.
 * docs/formats/runs.md.
 */
public final class RunsFile {
  /** The largest file that is read or written, in bytes. */
  public static final int MAX_FILE_BYTES = 64 << 20;

  static final int HEADER_BYTES = 20;

  private static final byte[] MAGIC = "obdruns\0".getBytes(StandardCharsets.US_ASCII);
  private static final int VERSION = 1;
  private static final int VERSION_AT = 8;
  private static final int BODY_BYTES_AT = 12;
  private static final int CHECKSUM_AT = 16;
  private static final int DIGEST_BYTES = 32;
  private static final String SHA256 = "sha256:";

  private RunsFile() {}

  /** True if a file that starts with these bytes claims to hold runs. */
  public static boolean hasMagic(ByteBuffer start) {
    return start.remaining() >= MAGIC.length
        && start.slice(start.position(), MAGIC.length).equals(ByteBuffer.wrap(MAGIC));
  }

  /** True if a file claims to hold runs; false also if it cannot be read. */
  public static boolean isRunsFile(Path file) {
    try (var in = Files.newInputStream(file)) {
      return hasMagic(ByteBuffer.wrap(in.readNBytes(MAGIC.length)));
    } catch (IOException unreadable) {
      return false;
    }
  }

  /**
   * Encodes a set.
   *
   * @throws IllegalArgumentException if that takes more than {@link #MAX_FILE_BYTES}
   */
  public static byte[] encode(Runs runs) {
    SortedSet<String> digests = new TreeSet<>();
    runs.runs().forEach(run -> digests.addAll(run.layers()));
    List<String> layers = List.copyOf(digests);
    var body = new Output();
    body.number(layers.size());
    for (String layer : layers) {
      body.bytes(HexFormat.of().parseHex(layer.substring(SHA256.length())));
    }
    body.number(runs.runs().size());
    for (Run run : runs.runs()) {
      body.number(run.layers().size());
      run.layers().forEach(layer -> body.number(Collections.binarySearch(layers, layer)));
      body.bytes(encode(run));
    }
    byte[] bytes = body.out.toByteArray();
    if (bytes.length > MAX_FILE_BYTES - HEADER_BYTES) {
      throw new IllegalArgumentException("runs: more than " + MAX_FILE_BYTES + " bytes");
    }
    byte[] file = new byte[HEADER_BYTES + bytes.length];
    System.arraycopy(MAGIC, 0, file, 0, MAGIC.length);
    System.arraycopy(bytes, 0, file, HEADER_BYTES, bytes.length);
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(VERSION_AT, VERSION);
    sign(file);
    return file;
  }

  /** Writes the length and the checksum of what follows the header into it. */
  static void sign(byte[] file) {
    int length = file.length - HEADER_BYTES;
    ByteBuffer.wrap(file)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(BODY_BYTES_AT, length)
        .putInt(CHECKSUM_AT, checksum(ByteBuffer.wrap(file, HEADER_BYTES, length)));
  }

  /** A run without its layers' digests. */
  static byte[] encode(Run run) {
    var out = new Output();
    out.number(run.started().getEpochSecond());
    byte[] name = run.name().getBytes(StandardCharsets.UTF_8);
    out.number(name.length);
    out.bytes(name);
    out.number(run.touches().size());
    long micros = 0;
    long[] ends = new long[run.layers().size()];
    for (Touch touch : run.touches()) {
      out.number(touch.micros() - micros);
      out.number(touch.layer());
      out.signed(touch.offset() - ends[touch.layer()]);
      out.number(touch.length());
      micros = touch.micros();
      ends[touch.layer()] = touch.offset() + touch.length();
    }
    return out.out.toByteArray();
  }

  /**
   * Reads a file.
   *
   * @throws TraceFormatException if it is damaged or larger than {@link #MAX_FILE_BYTES}
   */
  public static Runs read(Path file) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      checkSize(file.toString(), channel.size());
      ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
      while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
        // A file that shrinks meanwhile is caught by the length of its body.
      }
      return decode(file.toString(), bytes.flip());
    }
  }

  /**
   * Decodes a whole file.
   *
   * @param name what an error calls it
   * @throws TraceFormatException if it is damaged, or not as {@link #encode(Runs)} would write it
   */
  public static Runs decode(String name, ByteBuffer file) throws TraceFormatException {
    ByteBuffer in = file.slice().order(ByteOrder.LITTLE_ENDIAN);
    checkSize(name, in.capacity());
    if (!hasMagic(in)) {
      throw new TraceFormatException(name, 0, "magic", "obdruns", "something else");
    }
    if (in.getInt(VERSION_AT) != VERSION) {
      throw new TraceFormatException(name, VERSION_AT, "version", VERSION, in.getInt(VERSION_AT));
    }
    int length = in.capacity() - HEADER_BYTES;
    if (in.getInt(BODY_BYTES_AT) != length) {
      throw new TraceFormatException(
          name, BODY_BYTES_AT, "body", length + " bytes", in.getInt(BODY_BYTES_AT));
    }
    ByteBuffer body = in.slice(HEADER_BYTES, length);
    int checksum = checksum(body);
    if (in.getInt(CHECKSUM_AT) != checksum) {
      throw new TraceFormatException(
          name,
          CHECKSUM_AT,
          "checksum",
          Integer.toHexString(checksum),
          Integer.toHexString(in.getInt(CHECKSUM_AT)));
    }
    var input = new Input(body);
    Runs runs;
    try {
      runs = decode(input);
    } catch (IllegalArgumentException
        | ArithmeticException
        | DateTimeException
        | BufferUnderflowException
        | CharacterCodingException e) {
      throw new TraceFormatException(
          name,
          HEADER_BYTES + body.position(),
          "runs",
          "canonical ones",
          String.valueOf(e.getMessage()));
    }
    if (!ByteBuffer.wrap(encode(runs)).equals(in)) {
      throw new TraceFormatException(
          name, HEADER_BYTES, "runs", "their only encoding", "another one");
    }
    return runs;
  }

  private static Runs decode(Input in) throws CharacterCodingException {
    int count = in.count(Runs.MAX_RUNS * Run.MAX_LAYERS, DIGEST_BYTES);
    List<String> layers = new ArrayList<>(count);
    byte[] digest = new byte[DIGEST_BYTES];
    for (int i = 0; i < count; i++) {
      in.body.get(digest);
      layers.add(SHA256 + HexFormat.of().formatHex(digest));
    }
    List<Run> runs = new ArrayList<>();
    for (int left = in.count(Runs.MAX_RUNS, 1); left > 0; left--) {
      runs.add(run(in, layers));
    }
    return Runs.of(runs);
  }

  private static Run run(Input in, List<String> all) throws CharacterCodingException {
    int count = in.count(Run.MAX_LAYERS, 1);
    List<String> layers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      layers.add(all.get(in.below(all.size())));
    }
    Instant started = Instant.ofEpochSecond(in.number());
    int nameBytes = in.count(Run.MAX_NAME_BYTES, 1);
    ByteBuffer name = in.body.slice(in.body.position(), nameBytes);
    in.body.position(in.body.position() + nameBytes);
    int size = in.count(Run.MAX_TOUCHES, 4);
    List<Touch> touches = new ArrayList<>(size);
    long micros = 0;
    long[] ends = new long[layers.size()];
    for (int i = 0; i < size; i++) {
      micros = Math.addExact(micros, in.number());
      int layer = in.below(layers.size());
      long offset = Math.addExact(ends[layer], in.signed());
      Touch touch = new Touch(micros, layer, offset, in.number());
      ends[layer] = offset + touch.length();
      touches.add(touch);
    }
    String text = StandardCharsets.UTF_8.newDecoder().decode(name).toString();
    return new Run(started, text, layers, touches);
  }

  private static void checkSize(String name, long bytes) throws TraceFormatException {
    if (bytes < HEADER_BYTES || bytes > MAX_FILE_BYTES) {
      throw new TraceFormatException(
          name, 0, "size", "from " + HEADER_BYTES + " to " + MAX_FILE_BYTES + " bytes", bytes);
    }
  }

  private static int checksum(ByteBuffer bytes) {
    var crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  /** Numbers of seven bits a byte, the lowest first. */
  private static final class Output {
    final ByteArrayOutputStream out = new ByteArrayOutputStream();

    void number(long value) {
      long left = value;
      while (left >>> 7 != 0) {
        out.write((int) (left & 0x7f) | 0x80);
        left >>>= 7;
      }
      out.write((int) left);
    }

    void signed(long value) {
      number(value << 1 ^ value >> 63);
    }

    void bytes(byte[] bytes) {
      out.writeBytes(bytes);
    }
  }

  /** What {@link Output} wrote, or somebody else. */
  private static final class Input {
    final ByteBuffer body;

    Input(ByteBuffer body) {
      this.body = body;
    }

    private long raw() {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        byte b = body.get();
        value |= (long) (b & 0x7f) << shift;
        if (b >= 0) {
          return value;
        }
      }
      throw new IllegalArgumentException("a number of more than ten bytes");
    }

    long number() {
      long value = raw();
      if (value < 0) {
        throw new IllegalArgumentException("a number beyond 2^63");
      }
      return value;
    }

    long signed() {
      long value = raw();
      return value >>> 1 ^ -(value & 1);
    }

    int below(int limit) {
      long value = number();
      if (value >= limit) {
        throw new IllegalArgumentException("expected less than " + limit + ", got " + value);
      }
      return (int) value;
    }

    /** How many follow: not more than {@code most}, nor than there are bytes left for. */
    int count(int most, int bytesEach) {
      long value = number();
      if (value > most || value > body.remaining() / bytesEach) {
        throw new IllegalArgumentException("expected at most " + most + " items, got " + value);
      }
      return (int) value;
    }
  }
}
