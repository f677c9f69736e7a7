package dev.obd.io;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Where a writer puts a new file, front to back. Not thread-safe. {@link #finish} completes the
 * content; {@link #close} without it abandons what was written, so that a failed writer leaves
 * nothing that looks whole.
 */
public interface ByteSink extends Closeable {
  /** Bytes written so far. */
  long position();

  /** Appends all of {@code src}. */
  void write(ByteBuffer src) throws IOException;

  /** True if {@link #patch} works: a file can be patched, an upload cannot. */
  boolean patchable();

  /**
   * Overwrites bytes that were already written, within {@code [0, position())}.
   *
   * @throws IllegalStateException if this sink is not {@link #patchable}
   */
  void patch(long offset, ByteBuffer src) throws IOException;

  /**
   * Writes what the format needs at its end (index, trailer, padding) and finishes the sink below.
   * Call once.
   */
  void finish() throws IOException;

  @Override
  void close() throws IOException;
}
