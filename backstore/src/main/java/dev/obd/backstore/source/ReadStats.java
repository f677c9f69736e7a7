package dev.obd.backstore.source;

import java.util.concurrent.atomic.LongAdder;

/** Counts reads and their latencies, in classes that double. Thread-safe. */
public final class ReadStats implements ReadRecorder {
  /** Class c holds latencies below 2^c nanoseconds; the last one all above 1.2 hours. */
  private static final int CLASSES = 43;

  /**
   * Numbers since the start.
   *
   * @param reads that succeeded
   * @param failures reads that failed
   * @param bytes of the reads that succeeded
   * @param nanos they took, together
   */
  public record Snapshot(long reads, long failures, long bytes, long nanos) {}

  private final LongAdder failures = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder nanos = new LongAdder();
  private final LongAdder[] classes = new LongAdder[CLASSES];

  public ReadStats() {
    for (int i = 0; i < CLASSES; i++) {
      classes[i] = new LongAdder();
    }
  }

  @Override
  public void read(int length, long took, boolean ok) {
    if (!ok) {
      failures.increment();
      return;
    }
    bytes.add(length);
    nanos.add(took);
    classes[Math.min(CLASSES - 1, 64 - Long.numberOfLeadingZeros(Math.max(0, took)))].increment();
  }

  /** The numbers now. */
  public Snapshot snapshot() {
    return new Snapshot(count(), failures.sum(), bytes.sum(), nanos.sum());
  }

  /**
   * A latency that {@code share} of the reads that succeeded stayed below, rounded up to a power of
   * two nanoseconds; 0 if there was none.
   *
   * @param share 0 to 1
   */
  public long quantileNanos(double share) {
    long wanted = (long) Math.ceil(count() * Math.min(1, Math.max(0, share)));
    long seen = 0;
    for (int i = 0; i < CLASSES && wanted > 0; i++) {
      seen += classes[i].sum();
      if (seen >= wanted) {
        return 1L << i;
      }
    }
    return 0;
  }

  private long count() {
    long sum = 0;
    for (LongAdder one : classes) {
      sum += one.sum();
    }
    return sum;
  }
}
