package dev.obd.io;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Random-access bytes that do not change while open, unless the source says so (see {@link
 * WritableBlockSource}). Thread-safe: reads share no position.
 */
public interface BlockSource extends Closeable {
  /** Length in bytes; constant for the life of a read-only source. */
  long size();

  /**
   * Fills {@code dst} completely from {@code offset}; there are no short reads.
   *
   * <p>Honours {@link ReadContext#current()}: a source that waits does not wait past the context's
   * deadline.
   *
   * @param offset bytes from the start, with {@code 0 <= offset <= size() - dst.remaining()}
   * @throws java.io.EOFException if the range leaves this source; {@code dst} is then untouched
   * @throws IOException if the bytes cannot be had; {@code dst}'s content is then undefined
   */
  void read(long offset, ByteBuffer dst) throws IOException;

  /**
   * Hands the bytes of {@code range} to {@code receiver} as they come, from the first to the last
   * or until it wants no more. Takes the time that a {@link #read} may take; if the context has no
   * deadline, it may take as long as it makes progress.
   *
   * @throws java.io.EOFException if the range leaves this source; nothing was handed out then
   * @throws IOException if the bytes cannot be had; those handed out before are good. Also what the
   *     receiver throws
   */
  default void stream(Range range, ByteReceiver receiver) throws IOException {
    BlockSources.streamReads(this, range, receiver);
  }

  /** What an error message calls this source: a digest, a path. Never a secret. */
  String name();

  /**
   * Says that the bytes in this range proved to be wrong. A source that holds a copy of something
   * drops the copy, so that the next read asks the original again.
   *
   * @return true if another copy may exist, so that reading again is worth it
   */
  default boolean evict(long offset, long length) throws IOException {
    return false;
  }

  @Override
  void close() throws IOException;
}
