package dev.obd.tcmu;

import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** Waits for what others bring about, at most a minute. */
final class Await {
  private Await() {}

  static <T> T until(Callable<T> value, Predicate<T> wanted) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      T now = value.call();
      if (wanted.test(now)) {
        return now;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("still " + now);
      }
      Thread.sleep(10);
    }
  }
}
