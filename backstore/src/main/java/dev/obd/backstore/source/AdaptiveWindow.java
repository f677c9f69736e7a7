package dev.obd.backstore.source;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How many requests to one host are good to have under way: one more for each round of answers,
 * half of them when the host refuses one, some fewer when its answers begin much later than they
 * could. Not thread-safe.
 */
final class AdaptiveWindow {
  private static final double ALPHA = 1.0 / 8;
  private static final double LATE = 0.85;

  /** Answers may be late for reasons that are not ours: so many are asked for in any case. */
  private static final double LEAST_WHEN_LATE = 4;

  private static final double LATE_FACTOR = 4;
  private static final long LATE_NANOS = 100_000_000L;
  private static final long LEAST_ROUND_NANOS = 100_000_000L;
  private static final long REFUSED_ROUND_NANOS = 1_000_000_000L;
  private static final long PERIOD_NANOS = 60_000_000_000L;
  private static final int MAX_ORIGINS = 16; // a host sends readers on to a few others

  /** Round trips to one origin: how long they take of late, and the shortest in a minute or two. */
  private static final class Trips {
    double smoothed;
    long shortest;
    long shortestBefore;
    long periodNanos;

    Trips(long nanos, long now) {
      smoothed = nanos;
      shortest = nanos;
      shortestBefore = nanos;
      periodNanos = now;
    }

    boolean isLate(long nanos, long now) {
      if (now - periodNanos >= PERIOD_NANOS) {
        shortestBefore = shortest;
        shortest = nanos;
        periodNanos = now;
      }
      shortest = Math.min(shortest, nanos);
      smoothed += (nanos - smoothed) * ALPHA;
      long least = Math.min(shortest, shortestBefore);
      return smoothed > least * LATE_FACTOR && smoothed > least + LATE_NANOS;
    }
  }

  private final int most;
  private final Map<String, Trips> trips =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Trips> eldest) {
          return size() > MAX_ORIGINS;
        }
      };
  private double size;
  private long shrunkNanos;
  private boolean shrunk;

  /** Begins with {@code most}: nobody has complained yet. */
  AdaptiveWindow(int most) {
    this.most = most;
    this.size = most;
  }

  /** Requests that may be under way, at least 1. */
  int size() {
    return (int) size;
  }

  /**
   * An answer began {@code nanos} after its request.
   *
   * @param running requests under way now
   */
  void answered(String origin, long nanos, int running, long now) {
    Trips known = trips.get(origin);
    if (known == null) {
      trips.put(origin, new Trips(nanos, now));
    } else if (known.isLate(nanos, now)) {
      long round = Math.max((long) known.smoothed, LEAST_ROUND_NANOS);
      if (running > LEAST_WHEN_LATE && mayShrink(round, now)) {
        shrink(Math.max(LEAST_WHEN_LATE, Math.min(size, running) * LATE), now);
      }
      return;
    }
    if (running >= size() - 1) { // one that is not used says nothing
      size = Math.min(most, size + 1 / size);
    }
  }

  /** The host said that this was too much. */
  void refused(int running, long now) {
    if (mayShrink(REFUSED_ROUND_NANOS, now)) { // those under way are refused for the same reason
      shrink(Math.max(1, Math.min(size, running) / 2), now);
    }
  }

  private boolean mayShrink(long roundNanos, long now) {
    return !shrunk || now - shrunkNanos >= roundNanos;
  }

  private void shrink(double to, long now) {
    size = Math.min(size, to);
    shrunkNanos = now;
    shrunk = true;
  }
}
