package dev.obd.testdata;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A link of limited bandwidth, shared by all who send through it. Bytes are paid in small slices,
 * in order of arrival, so that concurrent senders share the link evenly and a short body is not
 * early. Thread-safe.
 */
final class TokenBucket {
  /** How long the link may have been idle and still send at once: the granularity of sleeping. */
  private static final long BURST_NANOS = 1_000_000;

  /** How late a sender may wake up from waiting for the link and still find its bytes gone. */
  private static final long LATE_NANOS = 50_000_000;

  /** A sender that is back so soon had its next bytes ready all the time. */
  private static final long SOON_NANOS = 5_000_000;

  private static final long SLICE_NANOS = 2_000_000;
  private static final int MIN_SLICE = 512;
  private static final int MAX_SLICE = 64 << 10;

  private final double nanosPerByte;
  private final int slice;

  // Guarded by this.
  private long freeAt = System.nanoTime();
  private @Nullable Thread last; // to reserve
  private long wokeAt; // when it had waited

  private TokenBucket(long bytesPerSecond) {
    this.nanosPerByte = 1e9 / bytesPerSecond;
    this.slice =
        (int) Math.clamp((long) (SLICE_NANOS / nanosPerByte), (long) MIN_SLICE, (long) MAX_SLICE);
  }

  /** A bucket, or null for an unlimited link ({@code bytesPerSecond == 0}). */
  static @Nullable TokenBucket of(long bytesPerSecond) {
    return bytesPerSecond == 0 ? null : new TokenBucket(bytesPerSecond);
  }

  /** How many bytes to send between two calls of {@link #take}, at most. */
  static int slice(@Nullable TokenBucket bucket) {
    return bucket == null ? MAX_SLICE : bucket.slice;
  }

  /** Waits until {@code bytes} more bytes have passed the link. */
  static void take(@Nullable TokenBucket bucket, int bytes) {
    if (bucket != null) {
      sleepUntil(bucket.reserve(bytes));
      bucket.woke();
    }
  }

  private synchronized long reserve(int bytes) {
    long now = System.nanoTime();
    // A busy machine wakes a sender late; the link would not have stood still meanwhile.
    boolean goesOn = Thread.currentThread().equals(last) && now - wokeAt < SOON_NANOS;
    freeAt = Math.max(freeAt, now - (goesOn ? LATE_NANOS : BURST_NANOS));
    freeAt += (long) (bytes * nanosPerByte);
    last = Thread.currentThread();
    return freeAt;
  }

  private synchronized void woke() {
    if (Thread.currentThread().equals(last)) {
      wokeAt = System.nanoTime();
    }
  }

  /** Sleeps until {@link System#nanoTime} reaches {@code nanos}, or the thread is interrupted. */
  static void sleepUntil(long nanos) {
    for (long left; (left = nanos - System.nanoTime()) > 0; ) {
      if (Thread.currentThread().isInterrupted()) {
        return;
      }
      LockSupport.parkNanos(left);
    }
  }
}
