package dev.obd.backstore.device;

import java.io.IOException;
import java.nio.ByteBuffer;

/** The first bytes of another disk, as many as it is told. */
public final class ResizableDisk implements Disk {
  private final Disk disk;
  private volatile long size;

  public ResizableDisk(Disk disk, long size) {
    this.disk = disk;
    this.size = size;
  }

  public void resize(long newSize) {
    size = newSize;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public boolean writable() {
    return disk.writable();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    disk.read(offset, dst);
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    disk.write(offset, src);
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    disk.discard(offset, length);
  }

  @Override
  public void flush() throws IOException {
    disk.flush();
  }

  @Override
  public void prefetch(long offset, long length) throws IOException {
    disk.prefetch(offset, length);
  }

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    disk.extents(offset, length, visitor);
  }

  @Override
  public void close() throws IOException {
    disk.close();
  }
}
