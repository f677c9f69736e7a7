package dev.obd.backstore.fleet;

import dev.obd.backstore.image.Locality;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Notices when all that is recorded of a device's image has come to this machine, so that what was
 * recorded can do without the registry; and when some of it is gone again. Thread-safe.
 */
final class OutageWatch {
  /** How often to look while something is missing. */
  static final Duration LOOK = Duration.ofSeconds(5);

  /** Looks left out while nothing is missing: only an eviction changes that. */
  private static final int RESTING_LOOKS = 11;

  private static final Logger log = LogManager.getLogger(OutageWatch.class);

  private final String device;
  private final Supplier<Optional<Locality.Part>> recorded;
  private final InstantSource clock;
  private final AtomicBoolean looking = new AtomicBoolean();
  private volatile @Nullable Instant since;
  private int resting; // only of who looks

  /**
   * @param recorded how much of what is recorded is here; empty as long as nobody knows
   */
  OutageWatch(String device, Supplier<Optional<Locality.Part>> recorded, InstantSource clock) {
    this.device = device;
    this.recorded = recorded;
    this.clock = clock;
  }

  /** Since when nothing is missing; empty if something is. */
  Optional<Instant> since() {
    return Optional.ofNullable(since);
  }

  /**
   * To be called every {@link #LOOK}. Reads the cache's records of the recorded ranges; nobody
   * waits for another one who does, because a disk may hang.
   */
  void look() {
    if (!looking.compareAndSet(false, true)) {
      return;
    }
    try {
      if (since == null || resting-- <= 0) {
        resting = RESTING_LOOKS;
        compare();
      }
    } finally {
      looking.set(false);
    }
  }

  private void compare() {
    Optional<Locality.Part> now = recorded.get();
    boolean safe = now.isPresent() && now.get().isWhole();
    if (safe && since == null) {
      since = clock.instant();
      log.info("outage.safe device={} bytes={}", device, now.get().bytes());
    } else if (!safe && since != null) {
      since = null;
      log.warn(
          "outage.unsafe device={} missingBytes={}",
          device,
          now.map(part -> part.bytes() - part.localBytes()).orElse(0L));
    }
  }
}
