package dev.obd.format.lsmt;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** How a writable layer keeps its blocks. Thread-safe. Numbers are bytes, multiples of 512. */
sealed interface LayerStore extends Closeable permits AppendStore, SparseStore {
  /** Writes all of {@code src}. */
  void write(long offset, ByteBuffer src) throws IOException;

  /** The range reads as zeros. */
  void discard(long offset, long length) throws IOException;

  /** Everything written before is on stable storage. */
  void flush() throws IOException;

  /** The layer lies on {@code lower}; call before the first write. */
  void stackOn(LayerStack lower);

  /** Writes another virtual size into the headers, durably. */
  void resize(long virtualSize) throws IOException;

  /** Where something may be appended to the data file: behind everything, a multiple of 512. */
  long dataEnd() throws IOException;
}
