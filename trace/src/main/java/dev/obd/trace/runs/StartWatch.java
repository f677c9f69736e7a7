package dev.obd.trace.runs;

import dev.obd.trace.Access;
import dev.obd.trace.Intervals;
import dev.obd.trace.Trace;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * Says when the start of a program is over, from the rate at which it reads bytes that it has not
 * read before.
 *
 * <p>A program reads in bursts: it computes, waits for others, and reads on. So a lull alone says
 * nothing; it ends a start only when it has lasted as long as everything up to it took, and {@link
 * #LEAST_LULL} at least. Before the first burst there is no end.
 *
 * <p>Times are those of the records. Not thread-safe.
 */
public final class StartWatch {
  /** Less than that many new bytes in a second is a lull: a log, a timer, a probe. */
  public static final long BURST_BYTES = 64 << 10;

  /** No shorter lull ends a start. */
  public static final Duration LEAST_LULL = Duration.ofSeconds(10);

  private static final long SECOND_MICROS = 1_000_000;

  private final Map<Integer, Intervals> seen = new HashMap<>(); // by layer
  private long windowFrom;
  private long windowBytes;
  private long lastBurst = -1;
  private long newBytes;

  /**
   * Takes note of what was read already and is not part of the start, such as opening the image.
   */
  public void ignore(Trace before) {
    before.forEach(this::fresh);
  }

  /** Takes note of what was read since the last call. */
  public void add(Trace reads) {
    for (int i = 0; i < reads.size(); i++) {
      long bytes = fresh(reads.get(i));
      long at = reads.micros(i);
      if (at - windowFrom >= SECOND_MICROS) {
        windowFrom = at;
        windowBytes = 0;
      }
      windowBytes += bytes;
      newBytes += bytes;
      if (bytes > 0 && windowBytes >= BURST_BYTES) {
        lastBurst = Math.max(lastBurst, at);
      }
    }
  }

  private long fresh(Access read) {
    return seen
        .computeIfAbsent(read.layer(), _ -> new Intervals())
        .add(read.offset(), read.offset() + read.length())
        .stream()
        .mapToLong(interval -> interval.end() - interval.from())
        .sum();
  }

  /** Bytes read so far, each once, without the ignored ones. */
  public long newBytes() {
    return newBytes;
  }

  /**
   * True if the start is over.
   *
   * @param nowMicros since the recording began
   */
  public boolean isOver(long nowMicros) {
    return lastBurst >= 0
        && nowMicros - lastBurst >= Math.max(LEAST_LULL.toNanos() / 1000, lastBurst);
  }
}
