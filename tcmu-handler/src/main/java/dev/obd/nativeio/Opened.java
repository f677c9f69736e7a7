package dev.obd.nativeio;

import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;

/** What is closed together, last first, unless it was all {@link #keep kept}. */
final class Opened implements Closeable {
  private final Deque<Closeable> parts = new ArrayDeque<>();

  <T extends Closeable> T add(T part) {
    parts.push(part);
    return part;
  }

  /** Their owner closes them. */
  void keep() {
    parts.clear();
  }

  /** Closes all, whatever fails; throws the first failure. */
  @Override
  public void close() throws IOException {
    IOException first = null;
    while (!parts.isEmpty()) {
      try {
        parts.pop().close();
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
