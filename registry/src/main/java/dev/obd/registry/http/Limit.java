package dev.obd.registry.http;

import dev.obd.registry.RegistryClock;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * When to stop waiting. For a call it is a fixed moment; a transfer that makes progress moves it.
 * Thread-safe: a watchdog looks at it while the transfer moves it.
 */
final class Limit {
  /** Longer than anybody waits, and safe to add to a clock. */
  private static final Duration LONGEST = Duration.ofDays(365);

  private static final long LONGEST_SILENCE_NANOS = Duration.ofSeconds(20).toNanos();
  private static final long SHARE_NANOS = Duration.ofSeconds(15).toNanos();

  private final RegistryClock clock;
  private final Duration patience;
  private volatile long atNanos;
  private final @Nullable Limit whole; // of which this is a share
  private volatile boolean cancelled;
  private final Set<Runnable> cuts = new LinkedHashSet<>(); // guarded by itself

  private Limit(RegistryClock clock, Duration patience, @Nullable Limit whole) {
    this.clock = clock;
    this.whole = whole;
    this.patience = patience;
    restart();
  }

  /** {@code patience} from now. */
  static Limit after(RegistryClock clock, Duration patience) {
    return new Limit(clock, patience.compareTo(LONGEST) > 0 ? LONGEST : patience, null);
  }

  RegistryClock clock() {
    return clock;
  }

  /** The patience this began with. */
  Duration patience() {
    return patience;
  }

  /** At least 0. */
  long remainingNanos() {
    return Math.max(0, atNanos - clock.nanos());
  }

  boolean isOver() {
    return remainingNanos() == 0;
  }

  /** Gives the whole patience again. */
  void restart() {
    restart(patience.toNanos());
  }

  /** That way gets on: a share is given again, as far as the whole lasts. */
  void progressed() {
    if (whole != null) {
      restart(Math.min(patience.toNanos(), whole.remainingNanos()));
    }
  }

  void restart(long nanos) {
    atNanos = clock.nanos() + nanos;
  }

  /**
   * How long to wait for the next byte: a third of what is left and no longer than twenty seconds,
   * so that a silent connection costs a retry and not the call; all of it when little is left.
   */
  Timeout silence() {
    long left = remainingNanos();
    long third = Math.max(left / 3, Math.min(left, 1_000_000_000L));
    return Timeout.ofMilliseconds(millis(Math.min(third, LONGEST_SILENCE_NANOS)));
  }

  /**
   * Whoever waited within this does not want it any more: what {@link #cutWhenCancelled} named is
   * cut, and what would be named later.
   */
  void cancel() {
    List<Runnable> now;
    synchronized (cuts) {
      cancelled = true;
      now = List.copyOf(cuts);
      cuts.clear();
    }
    now.forEach(Runnable::run);
  }

  boolean isCancelled() {
    return cancelled;
  }

  /**
   * Runs {@code cut} if this is cancelled.
   *
   * @return ends that
   */
  Runnable cutWhenCancelled(Runnable cut) {
    synchronized (cuts) {
      if (!cancelled) {
        cuts.add(cut);
        return () -> {
          synchronized (cuts) {
            cuts.remove(cut);
          }
        };
      }
    }
    cut.run();
    return () -> {};
  }

  /** All that is left, at least 1 ms: 0 would mean no limit. */
  Timeout rest() {
    return Timeout.ofMilliseconds(millis(remainingNanos()));
  }

  /** A part of what is left, for a way that need not be the last one. */
  Limit share() {
    var share =
        new Limit(clock, Duration.ofNanos(Math.min(remainingNanos() / 4, SHARE_NANOS)), this);
    Runnable _ = cutWhenCancelled(share::cancel);
    return share;
  }

  private static long millis(long nanos) {
    return Math.clamp(nanos / 1_000_000, 1, Integer.MAX_VALUE);
  }

  /**
   * Runs {@code cut} when this limit is over, wherever it has moved by then.
   *
   * @return ends the watch
   */
  Runnable watch(Runnable cut) {
    return new Watch(this, cut);
  }

  private static final class Watch implements Runnable {
    private final Limit limit;
    private final Runnable cut;
    private Runnable pending = () -> {};
    private boolean ended;

    Watch(Limit limit, Runnable cut) {
      this.limit = limit;
      this.cut = cut;
      look();
    }

    private void look() {
      synchronized (this) {
        if (ended) {
          return;
        }
        long left = limit.remainingNanos();
        if (left > 0) {
          // A limit that was put off may be brought back: it is looked at now and then.
          long patience = limit.patience.toNanos();
          pending = limit.clock.schedule(left > patience ? patience / 4 + 1 : left, this::look);
          return;
        }
        ended = true;
      }
      cut.run();
    }

    @Override
    public synchronized void run() {
      ended = true;
      pending.run();
    }
  }
}
