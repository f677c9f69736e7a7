package dev.obd.backstore.cache;

import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One fetch of neighbouring units, and everybody who waits for some of its bytes, which can be used
 * as they come. It ends when all of them are here, or its filler is done or failed. Thread-safe.
 */
final class Load {
  /** The most that a reader waits for a fetch that may outlast it. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final long GRACE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private final long firstUnit;
  private final long units;
  private final long wantedUnit;
  private final long wantedEnd;
  private final ReadContext context;
  private final Draft draft;
  private final Urgency urgency;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition(); // more bytes, or the end

  private volatile @Nullable Throwable failure;
  private volatile boolean outOfTime; // before the failure
  private boolean ended; // guarded by lock
  private boolean sealed; // guarded by lock
  private volatile boolean cut;

  private volatile boolean distrusted;

  /**
   * @param wantedUnit the first unit that somebody asked for
   * @param wantedEnd the unit after the last; the others come along
   * @param range of all units, clipped to the object
   */
  Load(
      long firstUnit,
      long units,
      long wantedUnit,
      long wantedEnd,
      Range range,
      ReadContext context) {
    this.firstUnit = firstUnit;
    this.units = units;
    this.wantedUnit = wantedUnit;
    this.wantedEnd = wantedEnd;
    this.context = context;
    this.draft = new Draft(range);
    this.urgency = new Urgency(context.purpose());
  }

  long firstUnit() {
    return firstUnit;
  }

  long units() {
    return units;
  }

  Urgency urgency() {
    return urgency;
  }

  /** Somebody says these bytes are wrong: they are not to be kept. */
  void distrust() {
    distrusted = true;
  }

  boolean isDistrusted() {
    return distrusted;
  }

  /** What came so far. */
  Draft draft() {
    return draft;
  }

  /** True if nobody was waiting for {@code unit} when it was asked for. */
  boolean isAhead(long unit) {
    return unit < wantedUnit
        || unit >= wantedEnd
        || urgency.purpose() != ReadContext.Purpose.DEMAND;
  }

  boolean covers(long unit) {
    return unit >= firstUnit && unit < firstUnit + units;
  }

  /** From {@code at}, which this covers, to {@code end} or the end of this. */
  Range part(long at, long end) {
    return new Range(at, Math.min(end, draft.range().end()) - at);
  }

  /** What has to be asked for: all but what is here of the beginning; all if nothing is missing. */
  Range missing() {
    Range all = draft.range();
    long here = draft.available(all.offset());
    return here == all.length() ? all : new Range(all.offset() + here, all.length() - here);
  }

  /** The first unit that is not all here. */
  long firstMissing(int unitBytes) {
    return firstUnit + draft.available(draft.range().offset()) / unitBytes;
  }

  /** How many bytes of {@code [from, end)} nobody was waiting for when they were asked for. */
  long aheadBytes(long from, long end, int unitBytes) {
    if (urgency.purpose() != ReadContext.Purpose.DEMAND) {
      return end - from;
    }
    long asked = Math.min(end, wantedEnd * unitBytes) - Math.max(from, wantedUnit * unitBytes);
    return end - from - Math.max(0, asked);
  }

  /** Takes bytes that came; those who wait for them go on. False if it takes none any more. */
  boolean put(long offset, ByteBuffer src, boolean owned) {
    lock.lock();
    try {
      if (sealed) {
        return false;
      }
      draft.put(offset, src, owned);
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Nothing more is added to it. */
  void seal() {
    lock.lock();
    try {
      sealed = true;
    } finally {
      lock.unlock();
    }
  }

  /** The filler is done, whatever it brought. */
  void end() {
    lock.lock();
    try {
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Its filler was told to stop before the end, and will be asked for the rest. */
  void cut() {
    cut = true;
  }

  boolean isCut() {
    return cut;
  }

  /** Ends in failure; {@code why} is null if whoever waits should simply look again. */
  void fail(@Nullable Throwable why) {
    outOfTime = context.deadline().expired();
    failure = why;
    end();
  }

  /**
   * Waits for {@code wanted}, or the end, but no longer than the waiter's own deadline. A reader
   * whose deadline comes before this fetch's keeps half of its time, or all but ten seconds, for an
   * attempt of its own: a prefetch may sit on a dead connection for longer than a reader may wait.
   *
   * @param wanted within this fetch's range
   * @return false if it is time for the waiter's own attempt
   * @throws InterruptedIOException if the waiter's time is over
   */
  boolean await(ReadContext waiter, Range wanted, String name) throws IOException {
    long left = waiter.deadline().remainingNanos();
    boolean endsBefore = context.deadline().remainingNanos() <= left;
    boolean waits = endsBefore || waiter.purpose() != Purpose.DEMAND;
    try {
      long most = Math.min(left / 2, PATIENCE_NANOS);
      if (waits) {
        // A fetch whose time is over ends with a reason, which is worth a moment.
        most = left + (endsBefore ? Math.min(GRACE_NANOS, Long.MAX_VALUE - left) : 0);
      }
      if (await(wanted, most)) {
        return true;
      }
      if (waits) {
        throw new InterruptedIOException(
            name + ": the time ran out waiting for a fetch already under way");
      }
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(name + ": interrupted waiting for a fetch under way");
    }
  }

  private boolean await(Range wanted, long mostNanos) throws InterruptedException {
    long left = mostNanos;
    lock.lockInterruptibly();
    try {
      while (!ended && draft.available(wanted.offset()) < wanted.length()) {
        if (left <= 0) {
          return false;
        }
        left = changed.awaitNanos(left);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** After the end: why it failed; null if whoever waits should simply look again. */
  @Nullable Throwable failure() {
    return failure;
  }

  /** After a failure: its own time was over, which says nothing of another's. */
  boolean wasOutOfTime() {
    return outOfTime;
  }
}
