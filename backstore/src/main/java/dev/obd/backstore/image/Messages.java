package dev.obd.backstore.image;

import java.io.IOException;

/** What a failure says inside another one's message. */
final class Messages {
  private Messages() {}

  /** An I/O error's message says enough; of anything else the kind counts, too. */
  static String of(Throwable e) {
    return e instanceof IOException && e.getMessage() != null ? e.getMessage() : e.toString();
  }
}
