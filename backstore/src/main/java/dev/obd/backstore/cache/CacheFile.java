package dev.obd.backstore.cache;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** An open file of the cache. Thread-safe. */
interface CacheFile extends Closeable {
  /** Fills {@code dst} as far as the file goes; returns the bytes read, 0 past the end. */
  int read(long offset, ByteBuffer dst) throws IOException;

  /** Writes all of {@code src}. */
  void write(long offset, ByteBuffer src) throws IOException;

  /** Cuts the file, or extends it with a hole. */
  void setLength(long length) throws IOException;

  long length() throws IOException;

  /** False if the file could be opened for reading only. */
  boolean writable();

  @Override
  void close() throws IOException;
}
