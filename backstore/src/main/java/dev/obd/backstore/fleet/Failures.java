package dev.obd.backstore.fleet;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Runs steps that must all be tried, and tells of the first failure with the others in it. */
final class Failures {
  private @Nullable IOException first;

  void run(Closeable step) {
    try {
      step.close();
    } catch (IOException | RuntimeException e) {
      if (first == null) {
        first = e instanceof IOException io ? io : new IOException(e);
      } else {
        first.addSuppressed(e);
      }
    }
  }

  void rethrow() throws IOException {
    if (first != null) {
      throw first;
    }
  }
}
