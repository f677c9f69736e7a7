package dev.obd.tcmu;

import dev.obd.backstore.device.Disk;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A disk in a file, which outlives the process. */
final class FileDisk implements Disk {
  private final FileChannel file;
  private final long size;

  FileDisk(Path path) throws IOException {
    this.file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    this.size = file.size();
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
        throw new EOFException();
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
    var zeros = ByteBuffer.allocate((int) Math.min(length, 1 << 16));
    for (long done = 0; done < length; done += zeros.capacity()) {
      write(offset + done, zeros.clear().limit((int) Math.min(zeros.capacity(), length - done)));
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
