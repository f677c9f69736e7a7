package dev.obd.backstore.source;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Keeps {@link PrefetchLimits} over all links of a process, and counts what they let through.
 * Thread-safe; the innermost of locks.
 */
public final class PrefetchCeilings {
  /** After a rest no more than this time's bytes go at once, and a request is no larger. */
  private static final double BURST_SECONDS = 0.125;

  /**
   * What was fetched ahead so far.
   *
   * @param requests that were made
   * @param bytes that came
   * @param running requests under way
   */
  public record Counts(long requests, long bytes, int running) {}

  private final PrefetchLimits limits;
  private final List<Runnable> waiting = new CopyOnWriteArrayList<>();

  // All guarded by this.
  private double tokens;
  private long filledNanos;
  private boolean filled;
  private int running;
  private long requests;
  private long bytes;

  public PrefetchCeilings(PrefetchLimits limits) {
    this.limits = limits;
  }

  /** What this keeps. */
  public PrefetchLimits limits() {
    return limits;
  }

  public synchronized Counts counts() {
    return new Counts(requests, bytes, running);
  }

  /** Calls {@code listener} when a request has ended, which may make room for another. */
  void whenEnded(Runnable listener) {
    waiting.add(listener);
  }

  /** The largest request that may be made. */
  long mostBytes() {
    long most = limits.requestBytes() == 0 ? Long.MAX_VALUE : limits.requestBytes();
    return limits.bytesPerSecond() == 0 ? most : Math.min(most, (long) burst());
  }

  private double burst() {
    return limits.bytesPerSecond() * BURST_SECONDS;
  }

  /** 0 if a request may be made now, {@link Long#MAX_VALUE} if one has to end first. */
  synchronized long waitNanos(long nowNanos) {
    if (limits.threads() > 0 && running >= limits.threads()) {
      return Long.MAX_VALUE;
    }
    if (limits.bytesPerSecond() == 0) {
      return 0;
    }
    if (!filled) {
      filled = true;
      filledNanos = nowNanos;
    }
    double rate = limits.bytesPerSecond();
    // Twice the burst: who wakes late catches up, and loses nothing of its rate.
    tokens = Math.min(2 * burst(), tokens + (nowNanos - filledNanos) / 1e9 * rate);
    filledNanos = nowNanos;
    return tokens > 0 ? 0 : (long) Math.ceil((1 - tokens) / rate * 1e9);
  }

  /** A request is made. What it takes beyond what there is, those after it wait for. */
  synchronized void begin(long mostBytes) {
    running++;
    requests++;
    tokens -= mostBytes;
  }

  /** It ended. */
  void end(long mostBytes, long cameBytes) {
    synchronized (this) {
      running--;
      bytes += cameBytes;
      tokens += mostBytes - cameBytes;
    }
  }

  /** Outside of all locks: others may make theirs. */
  void tellOthers() {
    if (limits.threads() > 0) {
      waiting.forEach(Runnable::run);
    }
  }
}
