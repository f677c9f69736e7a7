package dev.obd.backstore.cache;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A file that survives interrupted readers: the JDK closes a channel when a thread using it is
 * interrupted, for everybody. The interrupted thread gets an error; the others get a new channel.
 */
final class ChannelFile implements CacheFile {
  private final Path path;
  private final boolean writable;
  private final AtomicReference<RandomAccessFile> file;
  private boolean closed; // guarded by this

  private ChannelFile(Path path, boolean writable, RandomAccessFile file) {
    this.path = path;
    this.writable = writable;
    this.file = new AtomicReference<>(file);
  }

  static ChannelFile open(Path path) throws IOException {
    try {
      return new ChannelFile(path, true, new RandomAccessFile(path.toFile(), "rw"));
    } catch (FileNotFoundException e) { // also: permission denied, read-only file system
      if (!Files.isRegularFile(path)) {
        throw e;
      }
      return new ChannelFile(path, false, new RandomAccessFile(path.toFile(), "r"));
    }
  }

  @FunctionalInterface
  private interface Operation<T> {
    T on(FileChannel channel) throws IOException;
  }

  private <T> T with(Operation<T> operation) throws IOException {
    while (true) {
      RandomAccessFile current = file.get();
      try {
        return operation.on(current.getChannel());
      } catch (ClosedByInterruptException e) {
        reopen(current);
        InterruptedIOException interrupted = new InterruptedIOException(path + ": interrupted");
        interrupted.initCause(e);
        throw interrupted;
      } catch (ClosedChannelException e) {
        reopen(current); // throws once this file is closed, so the loop ends
      }
    }
  }

  private synchronized void reopen(RandomAccessFile broken) throws IOException {
    if (closed) {
      throw new ClosedChannelException();
    }
    RandomAccessFile fresh = new RandomAccessFile(path.toFile(), writable ? "rw" : "r");
    (file.compareAndSet(broken, fresh) ? broken : fresh).close(); // or another thread was faster
  }

  @Override
  public int read(long offset, ByteBuffer dst) throws IOException {
    int start = dst.position();
    return with(channel -> {
      dst.position(start);
      while (dst.hasRemaining()) {
        if (channel.read(dst, offset + dst.position() - start) < 0) {
          break;
        }
      }
      return dst.position() - start;
    });
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    int start = src.position();
    with(channel -> {
      src.position(start);
      while (src.hasRemaining()) {
        channel.write(src, offset + src.position() - start);
      }
      return start;
    });
  }

  @Override
  public void setLength(long length) throws IOException {
    file.get().setLength(length); // not a channel operation: no interrupt closes the file here
  }

  @Override
  public long length() throws IOException {
    return with(FileChannel::size);
  }

  @Override
  public boolean writable() {
    return writable;
  }

  @Override
  public synchronized void close() throws IOException {
    closed = true;
    file.get().close();
  }
}
