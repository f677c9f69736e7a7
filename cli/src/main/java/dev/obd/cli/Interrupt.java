package dev.obd.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * SIGINT and SIGTERM as an event that a command waits for. The JVM does not go until the command
 * has put its things away: flushed, unmounted, written. Then the process ends with the command's
 * status, as {@link #exit} has it, and not with the signal's: being stopped is how these commands
 * end.
 */
final class Interrupt implements AutoCloseable {
  private static final Duration DEFAULT_GRACE = Duration.ofSeconds(60);
  private static final long EXIT_SECONDS = 5;

  /** Set while a signal takes the JVM down and some command was there to hear of it. */
  private static volatile boolean leaving;

  /** How many commands are there to hear of a signal. */
  private static final AtomicInteger LISTENING = new AtomicInteger();

  private final Duration grace;
  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = new Thread(this::hear, "obd-interrupt");

  Interrupt() {
    this(DEFAULT_GRACE);
  }

  /**
   * @param grace how long the command may take to put its things away
   */
  Interrupt(Duration grace) {
    this.grace = grace;
    LISTENING.incrementAndGet();
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /**
   * Says what is done at a signal that no command hears of: one that just works until it is done.
   */
  static void otherwise(Runnable cleanUp) {
    Runnable unlessHeard =
        () -> {
          if (LISTENING.get() == 0) {
            cleanUp.run();
          }
        };
    Runtime.getRuntime().addShutdownHook(new Thread(unlessHeard, "obd-clean-up"));
  }

  private void hear() {
    leaving = true;
    asked.countDown();
    try {
      if (!done.await(grace.toNanos(), TimeUnit.NANOSECONDS)) {
        System.err.println("obd: gave up cleaning up after " + grace.toSeconds() + " s");
        return;
      }
      // Now main() is about to end the process; without it the signal's status has to do.
      TimeUnit.SECONDS.sleep(EXIT_SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the process with {@code status}, also if it is ending already. */
  static void exit(int status) {
    if (leaving) {
      // System.exit would wait for the hook, and the hook ends with the signal's status.
      Runtime.getRuntime().halt(status);
    }
    System.exit(status);
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
    LISTENING.decrementAndGet();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is on its way out: that is what the hook was for.
    }
  }
}
