package dev.obd.backstore.device;

import java.io.Closeable;
import java.io.IOException;

/**
 * A published device. Closing it takes the device away from clients and waits for requests in
 * flight; idempotent.
 */
public interface Export extends Closeable {
  /** What a client connects to, as it would be typed: an NBD URI, a file path. */
  String address();

  @Override
  void close() throws IOException;
}
