package dev.obd.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * SIGINT and SIGTERM as an event that a command waits for. The JVM does not go until the command
 * has put its things away: flushed, unmounted, written.
 */
final class Interrupt implements AutoCloseable {
  private static final long GRACE_SECONDS = 60;

  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook =
      new Thread(
          () -> {
            asked.countDown();
            try {
              if (!done.await(GRACE_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("obd: gave up cleaning up after " + GRACE_SECONDS + " s");
              }
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          },
          "obd-interrupt");

  Interrupt() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Waits for a signal without limit. */
  void await() throws InterruptedException {
    asked.await();
  }

  /** Waits for a signal; false if the time passed first. */
  boolean await(long nanos) throws InterruptedException {
    return asked.await(nanos, TimeUnit.NANOSECONDS);
  }

  boolean asked() {
    return asked.getCount() == 0;
  }

  /** The command has put everything away. */
  @Override
  public void close() {
    done.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is on its way out: that is what the hook was for.
    }
  }
}
