package dev.obd.format.lsmt;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Closes several things even if one fails. */
final class Closing {
  private Closing() {}

  /** Closes each of {@code all}; the first failure is thrown at the end, with the others. */
  static void all(List<? extends Closeable> all) throws IOException {
    @Nullable IOException first = null;
    for (Closeable one : all) {
      try {
        one.close();
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

  /** Closes {@code one} because of {@code cause}, which is what matters. */
  static void quietly(Closeable one, Throwable cause) {
    try {
      one.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }
}
