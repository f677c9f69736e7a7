package dev.obd.cli;

import dev.obd.cli.RecordRun.Ended;
import java.time.Duration;

/**
 * When a recording ends if nothing else ends it.
 *
 * @param limit after that time in any case
 * @param auto before, once the start is over
 */
record RecordTime(Duration limit, boolean auto) {
  private static final long LOOK_NANOS = Duration.ofMillis(500).toNanos();

  /** Looks whether the start is over. */
  @FunctionalInterface
  interface Look<X extends Exception> {
    boolean isOver() throws X, InterruptedException;
  }

  /**
   * What {@code --time} and {@code --time-limit} say.
   *
   * @param time {@code auto}, or a duration
   * @throws picocli.CommandLine.TypeConversionException if it is neither
   */
  static RecordTime parse(String time, Duration limit) {
    return time.equals("auto")
        ? new RecordTime(limit, true)
        : new RecordTime(Durations.parse(time), false);
  }

  /** Waits for the end, or for a signal. */
  <X extends Exception> Ended await(Interrupt interrupt, Look<X> look)
      throws X, InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    for (long left = limit.toNanos(); left > 0; left = end - System.nanoTime()) {
      if (interrupt.await(auto ? Math.min(left, LOOK_NANOS) : left)) {
        return Ended.SIGNAL;
      }
      if (auto && look.isOver()) {
        return Ended.QUIET;
      }
    }
    return interrupt.asked() ? Ended.SIGNAL : Ended.TIME;
  }
}
