package dev.obd.backstore.device;

import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;

/**
 * A published device. Closing it takes the device away from clients and waits for requests in
 * flight; idempotent.
 */
public interface Export extends Closeable {
  /** What a client connects to, as it would be typed: an NBD URI, a file path. */
  String address();

  /**
   * As {@link #close}; with {@code force} the device is taken even from who uses it.
   *
   * @throws BusyException if it is in use and not forced; all is as before then, and this can be
   *     called again
   */
  default void close(boolean force) throws IOException {
    close();
  }

  /**
   * Stops serving and leaves the device, with the requests that wait and those to come, to the next
   * process: its {@link DeviceFrontend#resume}. Requests under way are finished first. False, and
   * nothing happened, where that cannot be done.
   */
  default boolean leave() throws IOException {
    return false;
  }

  /**
   * Says that the device's size has changed. Empty if its users know now; otherwise one sentence
   * saying when they will.
   */
  default Optional<String> resized() throws IOException {
    return Optional.of("clients see the new size when they open it again");
  }

  @Override
  void close() throws IOException;
}
