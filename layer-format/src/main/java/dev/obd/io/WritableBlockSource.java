package dev.obd.io;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A source that also takes writes. Offsets and lengths are bytes and multiples of 512. */
public interface WritableBlockSource extends BlockSource {
  /**
   * Writes all of {@code src} at {@code offset}. A later {@link #read} sees it; {@link #flush}
   * makes it durable.
   */
  void write(long offset, ByteBuffer src) throws IOException;

  /** The range reads as zeros from now on. */
  void discard(long offset, long length) throws IOException;

  /** Returns once everything written before is on stable storage. */
  void flush() throws IOException;
}
