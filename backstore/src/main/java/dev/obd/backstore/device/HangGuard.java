package dev.obd.backstore.device;

import dev.obd.io.Ticker;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Looks for calls that outlived their limit, a few times per grace, for disks that do not honour
 * the deadline. Sleeps while nothing is in flight.
 */
final class HangGuard implements Runnable {
  private static final long LONGEST_LOOK_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long SHORTEST_LOOK_NANOS = Duration.ofMillis(1).toNanos();

  private final InFlight inFlight;
  private final Ticker ticker;
  private final long lookNanos;
  private final Predicate<Call> isToBeGivenUp;
  private final Consumer<Call> giveUp;
  private volatile boolean idle;
  private volatile boolean stopped;
  private volatile @Nullable Thread thread;

  HangGuard(
      InFlight inFlight,
      Ticker ticker,
      Duration grace,
      Predicate<Call> isToBeGivenUp,
      Consumer<Call> giveUp) {
    this.isToBeGivenUp = isToBeGivenUp;
    this.inFlight = inFlight;
    this.ticker = ticker;
    this.lookNanos = Math.clamp(grace.toNanos() / 4, SHORTEST_LOOK_NANOS, LONGEST_LOOK_NANOS);
    this.giveUp = giveUp;
  }

  /** A call was added. */
  void wake() {
    if (idle) {
      LockSupport.unpark(thread);
    }
  }

  void stop() {
    stopped = true;
    Thread sleeper = thread;
    if (sleeper != null) {
      sleeper.interrupt(); // it reads no file
    }
  }

  @Override
  public void run() {
    thread = Thread.currentThread();
    try {
      while (!stopped) {
        idle = true; // before looking: whoever adds after this look sees it and unparks
        if (inFlight.isEmpty()) {
          LockSupport.park(this);
        }
        idle = false;
        if (!stopped && !inFlight.isEmpty()) {
          ticker.sleep(lookNanos);
          look();
        }
      }
    } catch (InterruptedException _) {
      // stopped
    }
  }

  private void look() {
    for (Call call : inFlight.calls()) {
      if (isToBeGivenUp.test(call)) {
        giveUp.accept(call);
      }
    }
  }
}
