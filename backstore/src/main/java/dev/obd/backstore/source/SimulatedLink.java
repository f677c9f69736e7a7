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

  /** Bytes that passed so far, or are about to. */
  public long bytes() {
    return bytes.sum();
  }

  /**
   * Takes as long as a request for {@code length} bytes takes.
   *
   * @throws InterruptedIOException if {@code deadline} passes first
   */
  public void pass(long length, Deadline deadline) throws IOException {
    pass(length, deadline, (_, _) -> true);
  }

  /** Hears of each slice that has passed. */
  @FunctionalInterface
  interface Slices {
    /**
     * Another {@code length} bytes are here, after {@code passed} of the same request.
     *
     * @return false if the rest is not wanted: it does not pass then
     */
    boolean passed(long passed, int length) throws IOException;
  }

  /** As {@link #pass(long, Deadline)}, telling {@code slices} on the way. */
  void pass(long length, Deadline deadline, Slices slices) throws IOException {
    requests.increment();
    long sentAt = ticker.nanos() + rttNanos;
    sleepUntil(sentAt, deadline);
    // Slices follow each other from the end of the last one, not from when this thread woke up:
    // otherwise each oversleep would be bandwidth lost.
    long at = sentAt;
    boolean wanted = true;
    for (long passed = 0; wanted && passed < length; passed += SLICE) {
      int slice = (int) Math.min(length - passed, SLICE);
      bytes.add(slice);
      at = nanosPerByte == 0 ? at : take(at, slice);
      sleepUntil(at, deadline);
      wanted = slices.passed(passed, slice);
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
