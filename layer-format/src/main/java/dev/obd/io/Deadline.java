package dev.obd.io;

import java.time.Duration;

/** A point in a {@link Ticker}'s time after which nobody waits any more. Immutable. */
public final class Deadline {
  /** Never comes. */
  public static final Deadline NEVER = new Deadline(Ticker.SYSTEM, Long.MAX_VALUE, true);

  private final Ticker ticker;
  private final long atNanos;
  private final boolean never;

  private Deadline(Ticker ticker, long atNanos, boolean never) {
    this.ticker = ticker;
    this.atNanos = atNanos;
    this.never = never;
  }

  /** {@code patience} from now. */
  public static Deadline after(Ticker ticker, Duration patience) {
    return new Deadline(ticker, ticker.nanos() + patience.toNanos(), false);
  }

  /** What is left, at least 0; {@link Long#MAX_VALUE} nanoseconds if this never comes. */
  public long remainingNanos() {
    return never ? Long.MAX_VALUE : Math.max(0, atNanos - ticker.nanos());
  }

  /** True once nothing is left. */
  public boolean expired() {
    return remainingNanos() == 0;
  }

  /** What is left, but at most {@code limit}. */
  public Duration remaining(Duration limit) {
    return Duration.ofNanos(Math.min(remainingNanos(), limit.toNanos()));
  }
}
