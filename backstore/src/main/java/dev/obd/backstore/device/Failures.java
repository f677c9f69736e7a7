package dev.obd.backstore.device;

import dev.obd.io.Deadline;
import dev.obd.io.FormatException;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/** Turns a disk's exceptions into statuses, logs each once and remembers the last. */
final class Failures {
  /** Lines per window, so that a dead registry does not fill the log at the clients' pace. */
  private static final int BURST = 10;

  private static final long WINDOW_NANOS = Duration.ofSeconds(10).toNanos();
  private static final int MAX_CAUSES = 16; // a chain may be a ring

  private record Last(
      Op op, long offset, long length, Status status, String reason, long atNanos) {}

  private static final Logger log = LogManager.getLogger(BlockDevice.class);

  private final String device;
  private final Ticker ticker;
  private final AtomicLong inWindow = new AtomicLong();
  private final AtomicLong windowStart;
  private volatile @Nullable Last last;

  Failures(String device, Ticker ticker) {
    this.device = device;
    this.ticker = ticker;
    this.windowStart = new AtomicLong(ticker.nanos());
  }

  /** What {@code failure} means to a client. Knows types, not who throws them. */
  static Status statusOf(Throwable failure, Deadline deadline) {
    int depth = 0;
    for (Throwable t = failure; t != null && depth < MAX_CAUSES; t = t.getCause(), depth++) {
      if (t instanceof FormatException) {
        return Status.DAMAGED;
      }
      if (t instanceof InterruptedIOException || t instanceof TimeoutException) {
        return Status.TIMED_OUT; // SocketTimeoutException is one of the former
      }
      if (t instanceof IOException && noSpace(t.getMessage())) {
        return Status.NO_SPACE;
      }
    }
    // A source that stopped at the deadline may say so in its own words.
    return deadline.expired() ? Status.TIMED_OUT : Status.IO_ERROR;
  }

  private static boolean noSpace(@Nullable String message) {
    return message != null
        && (message.contains("No space left on device") || message.contains("Disk quota exceeded"));
  }

  void failed(Call call, Status status, String event, @Nullable Throwable cause) {
    Op op = call.op();
    last =
        new Last(
            op,
            call.offset(),
            call.length(),
            status,
            cause == null ? event : String.valueOf(cause.getMessage()),
            ticker.nanos());
    long suppressed = admit();
    if (suppressed >= 0) {
      log.error(
          "{} device={} op={} offset={} length={} status={} suppressed={}",
          event,
          device,
          op,
          call.offset(),
          call.length(),
          status,
          suppressed,
          cause);
    }
  }

  /** How many lines were held back since the last one, or -1 if this one is held back too. */
  private long admit() {
    long now = ticker.nanos();
    long start = windowStart.get();
    if (now - start >= WINDOW_NANOS && windowStart.compareAndSet(start, now)) {
      return Math.max(0, inWindow.getAndSet(1) - BURST);
    }
    return inWindow.incrementAndGet() <= BURST ? 0 : -1;
  }

  DeviceStats.@Nullable LastFailure last() {
    Last l = last;
    return l == null
        ? null
        : new DeviceStats.LastFailure(
            l.op,
            l.offset,
            l.length,
            l.status,
            l.reason,
            Duration.ofNanos(ticker.nanos() - l.atNanos));
  }
}
