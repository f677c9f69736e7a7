package dev.obd.backstore.fleet;

import java.io.IOException;

/** Two devices of one id; the words are overlaybd's. */
final class DuplicateDevIdException extends IOException {
  private static final long serialVersionUID = 1;

  DuplicateDevIdException(String devId) {
    super("duplicated dev id: " + devId);
  }
}
