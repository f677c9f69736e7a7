package dev.obd.backstore.source;

/** Lets so many requests per second go, and a burst after a rest. Not thread-safe. */
final class TokenBucket {
  private final double perSecond;
  private final int burst;
  private double tokens;
  private long filledNanos;

  /**
   * Begins full.
   *
   * @param perSecond 0: without limit
   */
  TokenBucket(double perSecond, int burst, long nowNanos) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.tokens = burst;
    this.filledNanos = nowNanos;
  }

  /** 0 if a request may go now, else how long until one may. */
  long waitNanos(long nowNanos) {
    if (perSecond == 0) {
      return 0;
    }
    tokens = Math.min(burst, tokens + (nowNanos - filledNanos) / 1e9 * perSecond);
    filledNanos = nowNanos;
    return tokens >= 1 ? 0 : (long) Math.ceil((1 - tokens) / perSecond * 1e9);
  }

  /** A request goes, whether it may or not: what is too much now is missing later. */
  void take() {
    tokens = Math.max(-burst, tokens - 1);
  }
}
