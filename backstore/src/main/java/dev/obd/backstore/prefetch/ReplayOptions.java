package dev.obd.backstore.prefetch;

import dev.obd.io.Ticker;
import java.time.Duration;

/**
 * How a trace is replayed.
 *
 * @param concurrency requests at the same time, 1 to 1024
 * @param gapBytes ranges this far apart or less become one request
 * @param requestBytes the longest request; rounded up to the caches' units
 * @param patience for one request
 * @param ticker measures it
 */
public record ReplayOptions(
    int concurrency, long gapBytes, long requestBytes, Duration patience, Ticker ticker) {
  /** As the original: 16 at a time. */
  public static final ReplayOptions DEFAULT =
      new ReplayOptions(16, 64 << 10, 1 << 20, Duration.ofMinutes(2), Ticker.SYSTEM);

  public ReplayOptions {
    if (concurrency < 1 || concurrency > 1024) {
      throw new IllegalArgumentException("prefetch.concurrency: " + concurrency);
    }
    if (requestBytes < 64 << 10 || gapBytes < 0 || gapBytes > requestBytes) {
      throw new IllegalArgumentException(
          "prefetch: gap " + gapBytes + ", request " + requestBytes + " bytes");
    }
  }

  /** The same with another concurrency. */
  public ReplayOptions withConcurrency(int replacement) {
    return new ReplayOptions(replacement, gapBytes, requestBytes, patience, ticker);
  }

  /** The same with another clock. */
  public ReplayOptions withTicker(Ticker replacement) {
    return new ReplayOptions(concurrency, gapBytes, requestBytes, patience, replacement);
  }
}
