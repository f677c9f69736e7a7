package dev.obd.backstore.cache;

import dev.obd.io.FailureText;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Whether the cache's disk takes writes. A failure (full, read-only, broken) pauses storing for a
 * while and is logged once per outage; reads are served without the cache meanwhile. Thread-safe.
 */
final class DiskHealth {
  private static final long PAUSE_NANOS = Duration.ofSeconds(5).toNanos();
  private static final Logger log = LogManager.getLogger(BlobCache.class);

  private final Path directory;
  private final Ticker ticker;
  private final CacheStats stats;
  private final AtomicBoolean failing = new AtomicBoolean();
  private volatile long retryAtNanos;

  DiskHealth(Path directory, Ticker ticker, CacheStats stats) {
    this.directory = directory;
    this.ticker = ticker;
    this.stats = stats;
  }

  /** False for a few seconds after a failure. */
  boolean mayStore() {
    return !failing.get() || ticker.nanos() - retryAtNanos >= 0;
  }

  void failed(IOException e) {
    stats.diskErrors.increment();
    retryAtNanos = ticker.nanos() + PAUSE_NANOS;
    if (failing.compareAndSet(false, true)) {
      log.warn(
          "cache.disk.failed directory={} reason={}: going on without it",
          directory,
          FailureText.of(e));
    }
  }

  void stored() {
    if (failing.get() && failing.compareAndSet(true, false)) {
      log.info("cache.disk.recovered directory={}", directory);
    }
  }
}
