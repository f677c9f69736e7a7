package dev.obd.backstore.device;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A sparse disk in memory that knows which sectors were written, discarded or never touched.
 * Thread-safe; requests inside one chunk of 64 KiB are atomic.
 */
public final class MemoryDisk implements Disk {
  private static final int SECTOR = 512;
  private static final int CHUNK = 64 << 10;

  private static final class Chunk {
    final Kind[] kinds = new Kind[CHUNK / SECTOR];
    byte @Nullable [] bytes;

    Chunk() {
      Arrays.fill(kinds, Kind.HOLE);
    }
  }

  @FunctionalInterface
  private interface Piece {
    void accept(Chunk chunk, int at, int length) throws IOException;
  }

  private final long size;
  private final boolean writable;
  private final Chunk[] chunks;
  private final AtomicLong flushes = new AtomicLong();
  private volatile boolean closed;

  private MemoryDisk(long size, boolean writable) {
    this.size = size;
    this.writable = writable;
    this.chunks = new Chunk[Math.toIntExact((size + CHUNK - 1) / CHUNK)];
    Arrays.setAll(chunks, _ -> new Chunk());
  }

  /** A writable disk of holes. */
  public static MemoryDisk writable(long size) {
    return new MemoryDisk(size, true);
  }

  /** A read-only disk with {@code content}; all-zero chunks stay holes. */
  public static MemoryDisk readOnly(byte[] content) throws IOException {
    var disk = new MemoryDisk(content.length, false);
    disk.fill(content);
    return disk;
  }

  /** A writable disk with {@code content}; all-zero chunks stay holes. */
  public static MemoryDisk writable(byte[] content) throws IOException {
    var disk = new MemoryDisk(content.length, true);
    disk.fill(content);
    return disk;
  }

  private void fill(byte[] content) throws IOException {
    byte[] zeros = new byte[CHUNK];
    for (int at = 0; at < content.length; at += CHUNK) {
      int length = Math.min(CHUNK, content.length - at);
      if (!Arrays.equals(content, at, at + length, zeros, 0, length)) {
        put(at, ByteBuffer.wrap(content, at, length));
      }
    }
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public boolean writable() {
    return writable;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    pieces(
        offset,
        dst.remaining(),
        (chunk, at, length) -> {
          if (chunk.bytes == null) {
            dst.put(new byte[length]);
          } else {
            dst.put(chunk.bytes, at, length);
          }
        });
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    if (!writable) {
      throw new IOException("read-only");
    }
    put(offset, src);
  }

  private void put(long offset, ByteBuffer src) throws IOException {
    checkAligned(offset, src.remaining());
    pieces(
        offset,
        src.remaining(),
        (chunk, at, length) -> {
          if (chunk.bytes == null) {
            chunk.bytes = new byte[CHUNK];
          }
          src.get(chunk.bytes, at, length);
          Arrays.fill(chunk.kinds, at / SECTOR, (at + length) / SECTOR, Kind.DATA);
        });
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    checkAligned(offset, length);
    pieces(
        offset,
        length,
        (chunk, at, run) -> {
          if (chunk.bytes != null) {
            Arrays.fill(chunk.bytes, at, at + run, (byte) 0);
          }
          Arrays.fill(chunk.kinds, at / SECTOR, (at + run) / SECTOR, Kind.ZERO);
        });
  }

  @Override
  public void flush() throws IOException {
    checkOpen();
    flushes.incrementAndGet();
  }

  /** How often {@link #flush} was called. */
  public long flushes() {
    return flushes.get();
  }

  @Override
  public void prefetch(long offset, long length) throws IOException {
    checkOpen();
  }

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    checkOpen();
    long end = offset + length;
    long from = offset;
    Kind open = null;
    for (long at = offset; at < end; ) {
      Kind[] kinds = kindsOf(chunks[(int) (at / CHUNK)]);
      for (long chunkEnd = Math.min(end, at / CHUNK * CHUNK + CHUNK); at < chunkEnd; ) {
        Kind kind = kinds[(int) (at % CHUNK) / SECTOR];
        if (open != null && open != kind) {
          if (!visitor.extent(from, at - from, open)) {
            return;
          }
          from = at;
        }
        open = kind;
        at = Math.min(chunkEnd, at / SECTOR * SECTOR + SECTOR);
      }
    }
    if (open != null) {
      visitor.extent(from, end - from, open);
    }
  }

  private static Kind[] kindsOf(Chunk chunk) {
    synchronized (chunk) {
      return chunk.kinds.clone();
    }
  }

  private void pieces(long offset, long length, Piece piece) throws IOException {
    checkOpen();
    if (offset < 0 || length < 0 || offset > size - length) {
      throw new EOFException(length + " bytes at " + offset + " leave the disk of " + size);
    }
    for (long at = offset; at < offset + length; ) {
      int inChunk = (int) (at % CHUNK);
      int run = (int) Math.min(CHUNK - inChunk, offset + length - at);
      Chunk chunk = chunks[(int) (at / CHUNK)];
      synchronized (chunk) {
        piece.accept(chunk, inChunk, run);
      }
      at += run;
    }
  }

  private static void checkAligned(long offset, long length) throws IOException {
    if ((offset | length) % SECTOR != 0) {
      throw new IOException("misaligned: " + length + " bytes at " + offset);
    }
  }

  private void checkOpen() throws IOException {
    if (closed) {
      throw new IOException("the disk is closed");
    }
  }

  public boolean isClosed() {
    return closed;
  }

  @Override
  public void close() {
    closed = true;
  }
}
