package dev.obd.backstore.cache;

import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import java.io.IOException;
import java.io.InterruptedIOException;

/**
 * One waiter: how long it waits, how many failures of others it puts up with, and how often its
 * filler may say in vain that it is done. For one thread.
 */
final class Patience {
  private final ReadContext me;
  private final String name;
  private final Loads loads;
  private final CacheStats stats;
  private boolean overtaken;
  private boolean failedOnce;
  private int unfilled;

  Patience(ReadContext me, String name, Loads loads, CacheStats stats) {
    this.me = me;
    this.name = name;
    this.loads = loads;
    this.stats = stats;
  }

  /** The next part of what is waited for: others' failures are counted anew. */
  void begin() {
    failedOnce = false;
    unfilled = 0;
  }

  /** True once another's fetch took longer than this waiter has time for: it waits for no more. */
  boolean hasOvertaken() {
    return overtaken;
  }

  void check() throws IOException {
    if (me.deadline().expired()) {
      throw new InterruptedIOException(name + ": the time ran out before the read was made");
    }
  }

  /**
   * Waits for another's fetch to bring {@code wanted}; false means: look again, nothing of it is
   * there. A fetch that fails says something about the origin, so after a second one this reader
   * gives up too; but one that ran out of its own time says nothing about ours.
   */
  boolean join(Load load, Range wanted) throws IOException {
    stats.joins.increment();
    if (me.purpose() == Purpose.DEMAND && load.urgency().raise()) {
      stats.promotions.increment();
    }
    long from = stats.ticker.nanos();
    if (overtaken || !load.await(me, wanted, name)) {
      overtaken = true;
      loads.remove(load); // it may still bring its bytes; from now on others ask anew
      stats.overtaken.increment();
      return false;
    }
    if (load.draft().available(wanted.offset()) > 0) {
      return !load.isDistrusted();
    }
    Throwable failure = load.failure();
    if (failure == null) {
      return false;
    }
    if (failedOnce || !hasTimeForItsOwn(stats.ticker.nanos() - from)) {
      throw new IOException(
          name + ": a fetch this read waited for failed: " + failure.getMessage(), failure);
    }
    failedOnce |= !load.wasOutOfTime();
    return false;
  }

  /** What little is left after a long wait would only bring a failure that says less. */
  private boolean hasTimeForItsOwn(long waitedNanos) {
    return me.deadline().remainingNanos() > waitedNanos / 10;
  }

  /** The filler brought something. */
  void filled() {
    unfilled = 0;
  }

  /** The filler said it was done, and it was not. */
  void unfilled(int most) throws IOException {
    unfilled++;
    if (unfilled >= most) {
      throw new IOException(
          name + ": the filler was done " + unfilled + " times without bringing the bytes");
    }
  }
}
