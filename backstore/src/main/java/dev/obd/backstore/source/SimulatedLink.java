package dev.obd.backstore.source;

import dev.obd.io.Deadline;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;

/**
 * A network to one host that is not there: each request waits a round trip, then its bytes share
 * the bandwidth with all others in small slices, in turn. Counts both. Thread-safe.
 */
public final class SimulatedLink {
  /** About ten Ethernet frames: small enough to be fair, large enough not to sleep all the time. */
  private static final int SLICE = 16 << 10;

  private final Ticker ticker;
  private final long rttNanos;
  private final double nanosPerByte;
  private final LongAdder requests = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private long freeAtNanos; // guarded by this; when the last slice given away has passed

  /**
   * @param rtt per request
   * @param bytesPerSecond shared by all requests; 0 = without limit
   */
  public SimulatedLink(Ticker ticker, Duration rtt, long bytesPerSecond) {
    if (rtt.isNegative() || bytesPerSecond < 0) {
      throw new IllegalArgumentException("link: rtt " + rtt + ", bytes/s " + bytesPerSecond);
    }
    this.ticker = ticker;
    this.rttNanos = rtt.toNanos();
    this.nanosPerByte = bytesPerSecond == 0 ? 0 : 1e9 / bytesPerSecond;
    this.freeAtNanos = ticker.nanos();
  }

  /** Requests made so far. */
  public long requests() {
    return requests.sum();
  }

  /** Bytes of all requests made so far. */
  public long bytes() {
    return bytes.sum();
  }

  /**
   * Takes as long as a request for {@code length} bytes takes.
   *
   * @throws InterruptedIOException if {@code deadline} passes first
   */
  public void pass(int length, Deadline deadline) throws IOException {
    requests.increment();
    bytes.add(length);
    long sentAt = ticker.nanos() + rttNanos;
    sleepUntil(sentAt, deadline);
    if (nanosPerByte == 0) {
      return;
    }
    // Slices follow each other from the end of the last one, not from when this thread woke up:
    // otherwise each oversleep would be bandwidth lost.
    long at = sentAt;
    for (int left = length; left > 0; left -= SLICE) {
      at = take(at, Math.min(left, SLICE));
      sleepUntil(at, deadline);
    }
  }

  /** Reserves the line for one slice, not before {@code earliest}; returns when it has passed. */
  private synchronized long take(long earliest, int length) {
    long from = freeAtNanos - earliest > 0 ? freeAtNanos : earliest;
    freeAtNanos = from + Math.round(length * nanosPerByte);
    return freeAtNanos;
  }

  private void sleepUntil(long atNanos, Deadline deadline) throws IOException {
    try {
      long wait = atNanos - ticker.nanos();
      while (wait > 0) {
        long left = deadline.remainingNanos();
        if (left == 0) {
          throw new InterruptedIOException("simulated link: the time ran out");
        }
        ticker.sleep(Math.min(wait, left));
        wait = atNanos - ticker.nanos();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("simulated link: interrupted");
    }
  }
}
