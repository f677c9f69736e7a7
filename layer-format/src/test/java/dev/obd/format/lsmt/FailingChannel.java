package dev.obd.format.lsmt;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** A real file that fails when told to, and remembers what was synced. */
final class FailingChannel extends FileChannel {
  private final FileChannel next;
  private final Runnable beforeSync;
  boolean failSync;
  boolean failWrite;
  int writeAtMost = Integer.MAX_VALUE;

  FailingChannel(FileChannel next, Runnable beforeSync) {
    this.next = next;
    this.beforeSync = beforeSync;
  }

  @Override
  public void force(boolean metaData) throws IOException {
    beforeSync.run();
    if (failSync) {
      throw new IOException("sync failed");
    }
    next.force(metaData);
  }

  @Override
  public int write(ByteBuffer src, long position) throws IOException {
    if (failWrite) {
      if (writeAtMost == 0) {
        throw new IOException("write failed");
      }
      int n = Math.min(writeAtMost, src.remaining());
      writeAtMost -= n;
      int written = next.write(src.slice(src.position(), n), position);
      src.position(src.position() + written);
      return written;
    }
    return next.write(src, position);
  }

  @Override
  public int read(ByteBuffer dst, long position) throws IOException {
    return next.read(dst, position);
  }

  @Override
  public long size() throws IOException {
    return next.size();
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    next.truncate(size);
    return this;
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) throws IOException {
    return next.tryLock(position, size, shared);
  }

  @Override
  protected void implCloseChannel() throws IOException {
    next.close();
  }

  @Override
  public int read(ByteBuffer dst) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long read(ByteBuffer[] dsts, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int write(ByteBuffer src) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long write(ByteBuffer[] srcs, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long position() {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel position(long newPosition) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferFrom(ReadableByteChannel src, long position, long count) {
    throw new UnsupportedOperationException();
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) {
    throw new UnsupportedOperationException();
  }
}
