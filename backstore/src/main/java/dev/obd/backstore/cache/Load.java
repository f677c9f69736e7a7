package dev.obd.backstore.cache;

import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One fetch of neighbouring units, and everybody who waits for it. Thread-safe. */
final class Load {
  /** The most that a reader waits for a fetch that may outlast it. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final long GRACE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private final long firstUnit;
  private final long units;
  private final ReadContext context;
  private final Urgency urgency;
  private final CountDownLatch ended = new CountDownLatch(1);

  // Written before ended is counted down, read after it.
  private @Nullable ByteBuffer bytes;
  private @Nullable Throwable failure;
  private boolean outOfTime;

  private volatile boolean distrusted;

  Load(long firstUnit, long units, ReadContext context) {
    this.firstUnit = firstUnit;
    this.units = units;
    this.context = context;
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

  void succeed(ByteBuffer got) {
    bytes = got;
    ended.countDown();
  }

  /** Ends without bytes; {@code why} is null if whoever waits should simply look again. */
  void fail(@Nullable Throwable why) {
    failure = why;
    outOfTime = context.deadline().expired();
    ended.countDown();
  }

  /**
   * Waits for the end, but no longer than the waiter's own deadline. A reader whose deadline comes
   * before this fetch's keeps half of its time, or all but ten seconds, for an attempt of its own:
   * a prefetch may sit on a dead connection for longer than a reader may wait.
   *
   * @return false if it is time for the waiter's own attempt
   * @throws InterruptedIOException if the waiter's time is over
   */
  boolean await(ReadContext waiter, String name) throws IOException {
    long left = waiter.deadline().remainingNanos();
    boolean endsBefore = context.deadline().remainingNanos() <= left;
    boolean waits = endsBefore || waiter.purpose() != Purpose.DEMAND;
    try {
      long most = Math.min(left / 2, PATIENCE_NANOS);
      if (waits) {
        // A fetch whose time is over ends with a reason, which is worth a moment.
        most = left + (endsBefore ? Math.min(GRACE_NANOS, Long.MAX_VALUE - left) : 0);
      }
      if (ended.await(most, TimeUnit.NANOSECONDS)) {
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

  /** After the end: the bytes of all units, or null. */
  @Nullable ByteBuffer bytes() {
    return bytes;
  }

  /** After an end without bytes: why; null if whoever waits should simply look again. */
  @Nullable Throwable failure() {
    return failure;
  }

  /** After a failure: its own time was over, which says nothing of another's. */
  boolean wasOutOfTime() {
    return outOfTime;
  }
}
