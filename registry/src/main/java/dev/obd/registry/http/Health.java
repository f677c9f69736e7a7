package dev.obd.registry.http;

import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.time.Duration;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Whether a mirror is worth asking. One that fails is left alone for a while, twice as long after
 * each failure in a row; then one request may see whether it is back. Thread-safe.
 */
final class Health {
  private static final long FIRST_REST_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long LONGEST_REST_NANOS = Duration.ofMinutes(1).toNanos();
  private static final Logger log = LogManager.getLogger(Health.class);

  private final String name;
  private final RegistryClock clock;
  private int failures; // guarded by this
  private long askAgainNanos; // guarded by this

  Health(String name, RegistryClock clock) {
    this.name = name;
    this.clock = clock;
  }

  /** True if it is well, or if it is this caller who looks whether it is. */
  synchronized boolean mayBeAsked() {
    if (failures == 0) {
      return true;
    }
    long now = clock.nanos();
    if (now - askAgainNanos < 0) {
      return false;
    }
    askAgainNanos = now + restNanos(); // the others wait for what comes of it
    return true;
  }

  synchronized void succeeded() {
    if (failures > 0) {
      log.info("mirror.back mirror={}", name);
    }
    failures = 0;
  }

  /** What one request came to. That a mirror does not have something is no illness. */
  void failed(RegistryException e) {
    boolean ill =
        e.isRetryable()
            || e.kind() == Kind.BAD_ANSWER
            || (e.kind() == Kind.REFUSED && e.status() == 0); // TLS
    if (!ill) {
      return;
    }
    synchronized (this) {
      failures++;
      askAgainNanos = clock.nanos() + restNanos();
      if (failures == 1) {
        log.warn("mirror.failed mirror={} reason={}", name, e.getMessage());
      }
    }
  }

  private long restNanos() {
    return Math.min(FIRST_REST_NANOS << Math.min(failures - 1, 10), LONGEST_REST_NANOS);
  }
}
