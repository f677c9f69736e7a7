package dev.obd.backstore.device;

import java.io.IOException;

/** Somebody uses what was to be taken away; it is all still there. The message says who. */
public final class BusyException extends IOException {
  private static final long serialVersionUID = 1;

  public BusyException(String message, Throwable cause) {
    super(message, cause);
  }

  public BusyException(String message) {
    super(message);
  }
}
