package dev.obd.backstore.cache;

import java.io.IOException;

/** A filler went away, with its process or its connection; another one may do what it was asked. */
public final class FillerGoneException extends IOException {
  private static final long serialVersionUID = 1L;

  public FillerGoneException(String message) {
    super(message);
  }

  public FillerGoneException(String message, Throwable cause) {
    super(message, cause);
  }
}
