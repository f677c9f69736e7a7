package dev.obd.backstore.cache;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for another thread to get somewhere. */
public final class Eventually {
  private static final long GUARD_NANOS = Duration.ofSeconds(50).toNanos();

  private Eventually() {}

  /** Returns once {@code there} is true; fails long after it should have been. */
  public static void until(BooleanSupplier there) throws InterruptedException {
    long from = System.nanoTime();
    while (!there.getAsBoolean()) {
      if (System.nanoTime() - from > GUARD_NANOS) {
        throw new AssertionError("still waiting after " + Duration.ofNanos(GUARD_NANOS));
      }
      Thread.sleep(1);
    }
  }
}
