package dev.obd.registry;

import java.time.Instant;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The time a registry client lives in. Passed in, so that tests and simulations own it. */
public interface RegistryClock {
  /** Nanoseconds from some fixed origin; never goes back. */
  long nanos();

  /** Waits {@code nanos} nanoseconds of this clock's time. */
  void sleep(long nanos) throws InterruptedException;

  /**
   * Runs {@code action} once, {@code nanos} from now, on a thread of its own choice.
   *
   * @return calls it off when run; harmless afterwards
   */
  Runnable schedule(long nanos, Runnable action);

  /** What a calendar on the wall shows; for dates in HTTP headers and certificates. */
  Instant wallTime();

  /**
   * The machine's clock. Its one daemon thread only starts virtual threads, so it is never late.
   */
  RegistryClock SYSTEM =
      new RegistryClock() {
        private final ScheduledThreadPoolExecutor timer = timer();

        private static ScheduledThreadPoolExecutor timer() {
          var timer =
              new ScheduledThreadPoolExecutor(
                  1, Thread.ofPlatform().daemon().name("obd-registry-timer").factory());
          timer.setRemoveOnCancelPolicy(true);
          return timer;
        }

        @Override
        public long nanos() {
          return System.nanoTime();
        }

        @Override
        public void sleep(long nanos) throws InterruptedException {
          TimeUnit.NANOSECONDS.sleep(nanos);
        }

        @Override
        public Runnable schedule(long nanos, Runnable action) {
          Future<?> pending =
              timer.schedule(() -> Thread.startVirtualThread(action), nanos, TimeUnit.NANOSECONDS);
          return () -> pending.cancel(false);
        }

        @Override
        public Instant wallTime() {
          return Instant.now();
        }
      };
}
