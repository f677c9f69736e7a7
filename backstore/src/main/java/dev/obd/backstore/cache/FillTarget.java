package dev.obd.backstore.cache;

import dev.obd.io.BlockSource;
import dev.obd.io.Range;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An open object as its filler sees it: bytes at offsets. How they are kept is the cache's affair,
 * and that they are kept is not promised: no room or a broken disk is no error here. Thread-safe.
 */
public interface FillTarget {
  /** What the object is called. */
  Digest digest();

  /** Its size in bytes. */
  long size();

  /**
   * Makes {@code bytes} the object's content from {@code offset}; they are consumed, and the buffer
   * may be used again. Whoever waits for them has them. Whole units are kept on disk; parts of
   * units stay in memory until the unit is whole, and the oldest of them are forgotten when there
   * are too many.
   *
   * @throws IOException if the range leaves the object, or the object is closed
   */
  void write(long offset, ByteBuffer bytes) throws IOException;

  /**
   * As {@link #write}, with the bytes that {@code from} has there, in one read of it.
   *
   * @throws IOException also what {@code from} throws
   */
  void copy(Range range, BlockSource from) throws IOException;
}
