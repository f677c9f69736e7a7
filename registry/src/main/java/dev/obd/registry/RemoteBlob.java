package dev.obd.registry;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** A blob that is read in ranges. Thread-safe. */
public interface RemoteBlob extends Closeable {
  /** Bytes, as its descriptor says. */
  long size();

  /** The digest, for messages. */
  String name();

  /**
   * Fills {@code dst} from {@code offset}, retrying what may pass, within {@code patience} for
   * everything together: token, redirects, connecting, waiting, reading, retries.
   *
   * @throws RegistryException if the bytes cannot be had in that time
   */
  void read(long offset, ByteBuffer dst, Duration patience) throws IOException;

  /**
   * Bytes that came from here proved to be wrong: if there are other ways to the same blob, the
   * next reads go another way for a while.
   */
  default void distrust() {}

  @Override
  void close() throws IOException;
}
