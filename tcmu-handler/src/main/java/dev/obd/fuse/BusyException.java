package dev.obd.fuse;

import java.io.IOException;

/** Somebody uses what was to be taken away; it is all still there. */
final class BusyException extends IOException {
  BusyException(String message, Throwable cause) {
    super(message, cause);
  }
}
