package dev.obd.io;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Takes the bytes of a stream as they come, in order. Called on one thread at a time. */
@FunctionalInterface
public interface ByteReceiver {
  /**
   * Takes what follows the bytes of the call before.
   *
   * @param bytes at least one; lent for the call
   * @return false if no more is wanted: the stream ends then, and that is no failure
   */
  boolean take(ByteBuffer bytes) throws IOException;
}
