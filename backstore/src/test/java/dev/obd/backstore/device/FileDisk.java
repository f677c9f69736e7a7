package dev.obd.backstore.device;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A writable disk in a file: what was written outlives the process. Thread-safe. */
public final class FileDisk implements Disk {
  private final FileChannel file;
  private final long size;

  private FileDisk(FileChannel file, long size) {
    this.file = file;
    this.size = size;
  }

  /** The disk is as large as the file. */
  public static FileDisk open(Path path) throws IOException {
    FileChannel file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    return new FileDisk(file, file.size());
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public boolean writable() {
    return true;
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    long at = offset;
    while (dst.hasRemaining()) {
      int count = file.read(dst, at);
      if (count < 0) {
        throw new EOFException("the file ends at " + at);
      }
      at += count;
    }
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    long at = offset;
    while (src.hasRemaining()) {
      at += file.write(src, at);
    }
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    var zeros = ByteBuffer.allocate(64 << 10);
    for (long at = offset; at < offset + length; at += zeros.limit()) {
      zeros.clear().limit((int) Math.min(zeros.capacity(), offset + length - at));
      write(at, zeros);
    }
  }

  @Override
  public void flush() throws IOException {
    file.force(false);
  }

  @Override
  public void prefetch(long offset, long length) {}

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    visitor.extent(offset, length, Kind.DATA);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
