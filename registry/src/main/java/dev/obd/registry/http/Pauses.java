package dev.obd.registry.http;

import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException.Kind;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Hosts that asked to be left alone for a while: what one request was told holds for all. Bounded,
 * because a host may ask for a year.
 */
final class Pauses {
  private static final Duration LONGEST = Duration.ofMinutes(1);

  private final RegistryClock clock;
  private final Map<Origin, Long> until = new ConcurrentHashMap<>();

  Pauses(RegistryClock clock) {
    this.clock = clock;
  }

  void ask(Origin origin, Duration pause) {
    Duration bounded = pause.compareTo(LONGEST) > 0 ? LONGEST : pause;
    if (bounded.isPositive()) {
      until.merge(origin, clock.nanos() + bounded.toNanos(), (a, b) -> a - b > 0 ? a : b);
    }
  }

  /** Waits until {@code origin} may be asked, or throws if the limit is over before that. */
  void await(Origin origin, Limit limit) throws IOException {
    Long at = until.get(origin);
    if (at == null) {
      return;
    }
    long wait = at - clock.nanos();
    if (wait <= 0) {
      until.remove(origin, at);
      return;
    }
    if (wait >= limit.remainingNanos()) {
      throw new Failures.Throttled(
          Kind.TOO_MANY_REQUESTS,
          0,
          "%s asked for a pause of another %.1f s".formatted(origin, wait / 1e9),
          Duration.ofNanos(wait));
    }
    try {
      clock.sleep(wait);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Failures.interrupted("pause asked for by " + origin);
    }
  }
}
