package dev.obd.tcmu;

import dev.obd.io.Deadline;
import dev.obd.io.Ticker;
import java.time.Duration;

/** When to try again: after 1 s, then twice as long each time, at most 30 s. Thread-safe. */
final class Backoff {
  private static final Duration FIRST = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofSeconds(30);

  private final Ticker ticker;
  private Duration pause = FIRST; // guarded by this, as the others
  private Deadline next;
  private int tries;

  Backoff(Ticker ticker) {
    this.ticker = ticker;
    this.next = Deadline.after(ticker, Duration.ZERO);
  }

  synchronized void failed() {
    tries++;
    next = Deadline.after(ticker, pause);
    Duration twice = pause.multipliedBy(2);
    pause = twice.compareTo(LONGEST) < 0 ? twice : LONGEST;
  }

  synchronized int tries() {
    return tries;
  }

  synchronized boolean isDue() {
    return next.expired();
  }
}
