package dev.obd.backstore.source;

import dev.obd.io.Latencies;
import dev.obd.io.LatencySnapshot;
import java.util.concurrent.atomic.LongAdder;

/** Counts reads, their bytes and how long they took. Thread-safe. */
public final class ReadStats implements ReadRecorder {
  /**
   * Numbers since the start.
   *
   * @param failures reads that failed
   * @param bytes of the reads that succeeded
   * @param latency of the reads that succeeded
   */
  public record Snapshot(long failures, long bytes, LatencySnapshot latency) {}

  private final LongAdder failures = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final Latencies latencies = new Latencies();

  @Override
  public void read(long offset, int length, long took, boolean ok) {
    if (!ok) {
      failures.increment();
      return;
    }
    bytes.add(length);
    latencies.record(took);
  }

  /** The numbers now. */
  public Snapshot snapshot() {
    return new Snapshot(failures.sum(), bytes.sum(), latencies.snapshot());
  }
}
