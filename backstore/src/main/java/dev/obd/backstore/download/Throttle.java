package dev.obd.backstore.download;

/** Bytes per second, on average over about a second. Thread-safe. */
final class Throttle {
  private static final long WINDOW_NANOS = 1_000_000_000;

  private final long bytesPerSecond;
  private long freeAtNanos;
  private boolean begun;

  /**
   * @param bytesPerSecond 0 is without limit
   */
  Throttle(long bytesPerSecond) {
    this.bytesPerSecond = bytesPerSecond;
  }

  /** How long to wait at {@code nowNanos} before {@code bytes} may be fetched. */
  synchronized long delayNanos(long nowNanos, long bytes) {
    if (bytesPerSecond == 0) {
      return 0;
    }
    // What was not used is kept for a second only.
    if (!begun || freeAtNanos - nowNanos < -WINDOW_NANOS) {
      freeAtNanos = nowNanos - (begun ? WINDOW_NANOS : 0);
      begun = true;
    }
    long wait = Math.max(0, freeAtNanos - nowNanos);
    freeAtNanos += Math.round(bytes * 1e9 / bytesPerSecond);
    return wait;
  }
}
