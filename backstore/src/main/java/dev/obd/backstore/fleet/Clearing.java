package dev.obd.backstore.fleet;

import dev.obd.io.FailureText;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Removes one thing after the other, and remembers how that went. For one thread. */
final class Clearing {
  private static final Logger log = LogManager.getLogger(Clearing.class);

  /** Removes something. */
  @FunctionalInterface
  interface Step {
    void run() throws IOException, InterruptedException;
  }

  private final List<String> cleared = new ArrayList<>();
  private final List<String> failed = new ArrayList<>();

  /** Removes {@code what}, if it can be. */
  void run(String what, Step step) throws InterruptedException {
    try {
      step.run();
      cleared.add(what);
    } catch (IOException | RuntimeException e) {
      log.warn("stale.stays what={}", what, e);
      failed.add(what + ": " + FailureText.of(e));
    }
  }

  /** {@code what} was removed on the way. */
  void cleared(String what) {
    cleared.add(what);
  }

  Cleared result() {
    return new Cleared(cleared, failed);
  }
}
