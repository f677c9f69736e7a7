package dev.obd.format.tar;

import dev.obd.io.ByteSink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Wraps a layer in the tar that overlaybd's tools write: a pax header with the payload's size, a
 * ustar header {@code overlaybd.commit} whose own size is 0, the payload from 1536, padding and two
 * zero blocks. Positions are the payload's. Not thread-safe. Source: overlaybd 063821f,
 * tar/tar_file.cpp and the blobs it wrote.
 */
public final class TarLayerWriter implements ByteSink {
  /** A regular file, rw-r--r--: what the original writes under the usual umask. */
  private static final int MODE = 0100644;

  private static final int HEAD_BYTES = 3 * TarHeader.BYTES;
  private static final long UNKNOWN = -1;

  private final ByteSink target;
  private final long start;
  private final long declaredBytes;
  private boolean finished;

  private TarLayerWriter(ByteSink target, long declaredBytes) {
    this.target = target;
    this.start = target.position();
    this.declaredBytes = declaredBytes;
  }

  /**
   * Starts a tar whose payload size is not known yet: the headers are put in at the end.
   *
   * @param target finished and closed with this writer
   * @throws IllegalArgumentException if the target cannot be patched
   */
  public static TarLayerWriter open(ByteSink target) throws IOException {
    if (!target.patchable()) {
      throw new IllegalArgumentException(
          "this target takes bytes in order only: the payload's size must be given beforehand");
    }
    var writer = new TarLayerWriter(target, UNKNOWN);
    target.write(placeholder());
    return writer;
  }

  /**
   * Starts a tar whose payload size is known, in any target.
   *
   * @param payloadBytes exactly what will be written; {@link #finish} throws if it was not
   */
  public static TarLayerWriter open(ByteSink target, long payloadBytes) throws IOException {
    if (payloadBytes < 0) {
      throw new IllegalArgumentException("payloadBytes: " + payloadBytes);
    }
    var writer = new TarLayerWriter(target, payloadBytes);
    target.write(head(payloadBytes));
    return writer;
  }

  /** Not a tar yet: an abandoned file is not mistaken for one. */
  private static ByteBuffer placeholder() {
    ByteBuffer blocks = ByteBuffer.allocate(HEAD_BYTES);
    putPlaceholder(blocks.slice(0, TarHeader.BYTES), "overlaybd.pax");
    putPlaceholder(blocks.slice(2 * TarHeader.BYTES, TarHeader.BYTES), "overlaybd.new");
    return blocks;
  }

  private static void putPlaceholder(ByteBuffer header, String name) {
    TarHeader.put(header, TarHeader.Field.NAME, name);
    TarHeader.put(header, TarHeader.Field.MAGIC, "xxtar");
    TarHeader.put(header, TarHeader.Field.VERSION, "xx");
  }

  private static ByteBuffer head(long payloadBytes) {
    ByteBuffer blocks = ByteBuffer.allocate(HEAD_BYTES);
    String record = Pax.record("size", Long.toString(payloadBytes));
    ByteBuffer pax = blocks.slice(0, TarHeader.BYTES);
    TarHeader.put(pax, TarHeader.Field.NAME, "overlaybd.pax");
    TarHeader.put(pax, TarHeader.Field.SIZE, "%11o ".formatted(record.length()));
    TarHeader.put(pax, TarHeader.Field.TYPEFLAG, "x");
    seal(pax);
    blocks.put(TarHeader.BYTES, record.getBytes(StandardCharsets.US_ASCII));
    ByteBuffer member = blocks.slice(2 * TarHeader.BYTES, TarHeader.BYTES);
    TarHeader.put(member, TarHeader.Field.NAME, "overlaybd.commit");
    TarHeader.put(member, TarHeader.Field.MODE, "%6o \0".formatted(MODE));
    TarHeader.put(member, TarHeader.Field.UID, "%6o \0".formatted(0));
    TarHeader.put(member, TarHeader.Field.GID, "%6o \0".formatted(0));
    TarHeader.put(member, TarHeader.Field.SIZE, "%11o ".formatted(0));
    TarHeader.put(member, TarHeader.Field.MTIME, "%11o ".formatted(0));
    TarHeader.put(member, TarHeader.Field.TYPEFLAG, "0");
    TarHeader.put(member, TarHeader.Field.UNAME, "root");
    TarHeader.put(member, TarHeader.Field.GNAME, "root");
    seal(member);
    return blocks;
  }

  private static void seal(ByteBuffer header) {
    TarHeader.put(header, TarHeader.Field.MAGIC, "ustar\0");
    TarHeader.put(header, TarHeader.Field.VERSION, "00");
    byte[] raw = new byte[TarHeader.BYTES];
    header.get(0, raw);
    TarHeader.put(header, TarHeader.Field.CHKSUM, "%6o \0".formatted(TarHeader.checksum(raw)));
  }

  /** Payload bytes written so far. */
  @Override
  public long position() {
    return target.position() - start - HEAD_BYTES;
  }

  @Override
  public void write(ByteBuffer src) throws IOException {
    target.write(src);
  }

  @Override
  public boolean patchable() {
    return target.patchable();
  }

  @Override
  public void patch(long offset, ByteBuffer src) throws IOException {
    if (offset < 0 || offset > position() - src.remaining()) {
      throw new IllegalArgumentException(
          "patch of " + src.remaining() + " bytes at " + offset + " leaves the payload");
    }
    target.patch(start + HEAD_BYTES + offset, src);
  }

  /**
   * Completes the tar.
   *
   * @throws IOException if the payload is not as long as was declared
   */
  @Override
  public void finish() throws IOException {
    if (finished) {
      throw new IllegalStateException("this tar is finished");
    }
    finished = true;
    long payloadBytes = position();
    if (declaredBytes != UNKNOWN && declaredBytes != payloadBytes) {
      throw new IOException(
          "tar payload: " + declaredBytes + " bytes declared, " + payloadBytes + " written");
    }
    int padding = (int) (-payloadBytes & (TarHeader.BYTES - 1));
    target.write(ByteBuffer.allocate(padding + 2 * TarHeader.BYTES));
    if (declaredBytes == UNKNOWN) {
      target.patch(start, head(payloadBytes));
    }
    target.finish();
  }

  @Override
  public void close() throws IOException {
    target.close();
  }
}
