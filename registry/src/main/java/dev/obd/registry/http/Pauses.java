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

  /** A request gets at least this part of its patience. */
  private static final int LEAST_SHARE = 10;

  private final RegistryClock clock;
  private final Map<Origin, Pause> pauses = new ConcurrentHashMap<>();

  /**
   * One host's wish.
   *
   * @param status that came with it
   * @param untilNanos of the clock
   */
  private record Pause(int status, long untilNanos) {
    Pause orLater(Pause other) {
      return untilNanos - other.untilNanos > 0 ? this : other;
    }
  }

  Pauses(RegistryClock clock) {
    this.clock = clock;
  }

  /** {@code origin} answered {@code status} and wants to be left alone for so long. */
  void ask(Origin origin, int status, Duration pause) {
    Duration bounded = pause.compareTo(LONGEST) > 0 ? LONGEST : pause;
    if (bounded.isPositive()) {
      pauses.merge(origin, new Pause(status, clock.nanos() + bounded.toNanos()), Pause::orLater);
    }
  }

  /**
   * Waits until {@code origin} may be asked, or throws if too little of the limit is left then: a
   * request that has no time would fail with a reason that is none.
   */
  void await(Origin origin, Limit limit) throws IOException {
    Pause pause = pauses.get(origin);
    if (pause == null) {
      return;
    }
    long wait = pause.untilNanos - clock.nanos();
    if (wait <= 0) {
      pauses.remove(origin, pause);
      return;
    }
    if (wait >= limit.remainingNanos() - limit.patience().toNanos() / LEAST_SHARE) {
      throw new Failures.Throttled(
          Kind.TOO_MANY_REQUESTS,
          pause.status,
          "%s answered %d and asked for a pause of another %.1f s"
              .formatted(origin, pause.status, wait / 1e9),
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
