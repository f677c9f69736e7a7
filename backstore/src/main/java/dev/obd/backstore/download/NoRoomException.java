package dev.obd.backstore.download;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The local copy could not be written. */
final class NoRoomException extends IOException {
  private static final long serialVersionUID = 1;

  NoRoomException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
