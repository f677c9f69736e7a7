package dev.obd.format.lsmt;

import dev.obd.io.FormatException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** A local file that is read and written whole buffers at a time. Thread-safe. */
final class StoreFile implements Closeable {
  private final FileChannel channel;
  private final String name;

  StoreFile(FileChannel channel, String name) {
    this.channel = channel;
    this.name = name;
  }

  /** A new file; fails if it exists. */
  static StoreFile create(Path path) throws IOException {
    return open(path, StandardOpenOption.CREATE_NEW);
  }

  /** An existing file. */
  static StoreFile open(Path path) throws IOException {
    return open(path, StandardOpenOption.WRITE);
  }

  private static StoreFile open(Path path, StandardOpenOption how) throws IOException {
    return new StoreFile(
        FileChannel.open(path, how, StandardOpenOption.READ, StandardOpenOption.WRITE),
        path.toString());
  }

  String name() {
    return name;
  }

  long size() throws IOException {
    return channel.size();
  }

  /** Fills {@code dst}; the file must have the bytes. */
  void read(long offset, ByteBuffer dst) throws IOException {
    long at = offset;
    while (dst.hasRemaining()) {
      int n = channel.read(dst, at);
      if (n < 0) {
        throw new FormatException(
            name, at, "file", dst.remaining() + " more bytes", "end of file at " + size());
      }
      at += n;
    }
  }

  /** The header at the file's start. */
  LayerHeader header() throws IOException {
    if (size() < LayerHeader.BYTES) {
      throw new FormatException(
          name, 0, "file", "at least " + LayerHeader.BYTES + " bytes", size());
    }
    ByteBuffer raw = ByteBuffer.allocate(LayerHeader.BYTES);
    read(0, raw);
    return LayerHeader.decode(name, 0, raw.flip());
  }

  /** Writes all of {@code src}. */
  void write(long offset, ByteBuffer src) throws IOException {
    long at = offset;
    while (src.hasRemaining()) {
      at += channel.write(src, at);
    }
  }

  /**
   * Writes all of {@code src} at the end of the file, {@code offset}, or nothing: what a failed
   * write left behind is cut off.
   */
  void append(long offset, ByteBuffer src) throws IOException {
    try {
      write(offset, src);
    } catch (IOException e) {
      try {
        channel.truncate(offset);
      } catch (IOException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  void truncate(long size) throws IOException {
    channel.truncate(size);
  }

  /** Returns once everything written is on stable storage. */
  void sync() throws IOException {
    channel.force(false);
  }

  /** Keeps other writers away, in this process and others, until the file is closed. */
  void lock() throws IOException {
    try {
      @Nullable FileLock lock = channel.tryLock();
      if (lock != null) {
        return;
      }
    } catch (OverlappingFileLockException e) {
      throw new IOException(name + ": in use by another writer of this process", e);
    }
    throw new IOException(name + ": in use by another writer");
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
