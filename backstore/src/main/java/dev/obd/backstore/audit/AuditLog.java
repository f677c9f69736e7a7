package dev.obd.backstore.audit;

import dev.obd.backstore.cache.CacheEvents;
import dev.obd.backstore.source.ReadRecorder;
import dev.obd.backstore.source.ReadRecorders;
import dev.obd.io.Ticker;
import dev.obd.registry.Untrusted;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Lines of overlaybd's audit log, from the thread's number on:
 *
 * <pre>
 * th=000000000000002A|download[pathname=/registry/repo@sha256:..][offset=0][size=262144][latency=824]
 * </pre>
 *
 * Latencies are microseconds; the size of a read that failed is -1. Whoever takes the lines puts
 * the time before them. Thread-safe.
 */
public final class AuditLog implements ReadRecorders, CacheEvents {
  private static final long SLOW_LOCAL_NANOS = Duration.ofMillis(10).toNanos();
  private static final long EVICTION_PAUSE_NANOS = Duration.ofSeconds(1).toNanos();
  private static final int MAX_NAME = 500;

  private final Consumer<String> lines;
  private final Ticker ticker;

  // Guarded by this. Units go one by one, lines must not: what went since the last line is added
  // up.
  private long evicted;
  private long evictedForTheDisk;
  private long lastEvictionNanos;

  /**
   * An audit log.
   *
   * @param lines takes lines; called by many threads at once, must not wait
   */
  public AuditLog(Consumer<String> lines, Ticker ticker) {
    this.lines = lines;
    this.ticker = ticker;
    this.lastEvictionNanos = ticker.nanos() - EVICTION_PAUSE_NANOS;
  }

  @Override
  public ReadRecorder remote(String name) {
    return reads("download", name, 0);
  }

  @Override
  public ReadRecorder background(String name) {
    return reads("bk_download", name, 0);
  }

  @Override
  public ReadRecorder local(String name) {
    return reads("file:pread", name, SLOW_LOCAL_NANOS);
  }

  private ReadRecorder reads(String operation, String name, long fromNanos) {
    String path = "/" + Untrusted.printable(name, MAX_NAME);
    return (offset, bytes, nanos, ok) -> {
      if (nanos >= fromNanos) {
        write(
            operation
                + "[pathname="
                + path
                + "][offset="
                + offset
                + "][size="
                + (ok ? bytes : -1)
                + "][latency="
                + nanos / 1000
                + "]");
      }
    };
  }

  @Override
  public synchronized void evicted(long bytes, long forTheDisk, long usedBytes) {
    evicted += bytes;
    evictedForTheDisk += forTheDisk;
    long now = ticker.nanos();
    if (now - lastEvictionNanos < EVICTION_PAUSE_NANOS) {
      return;
    }
    lastEvictionNanos = now;
    write(
        "eviction[actualEvict="
            + evicted
            + "][evictByCache="
            + (evicted - evictedForTheDisk)
            + "][evictByDisk="
            + evictedForTheDisk
            + "][totalUsed="
            + usedBytes
            + "]");
    evicted = 0;
    evictedForTheDisk = 0;
  }

  private void write(String event) {
    lines.accept("th=%016X|%s".formatted(Thread.currentThread().threadId(), event));
  }
}
