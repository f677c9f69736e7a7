package dev.obd.backstore.source;

/**
 * What a link can do, judged by the answers that come over it: its bandwidth is the largest rate at
 * which bytes came while there were more to come, its round trip the shortest time to the first
 * byte. Both are forgotten after a while. Until something is known, a common line is assumed. Not
 * thread-safe.
 */
final class LinkEstimate {
  private static final double ASSUMED_BYTES_PER_SECOND = 12.5e6;
  private static final long ASSUMED_ROUND_TRIP_NANOS = 50_000_000;
  private static final long LEAST_GRAIN_BYTES = 64 << 10;
  private static final double GRAIN_SECONDS = 0.010;

  /** Shorter and smaller samples measure buffers, not lines. */
  private static final long SAMPLE_NANOS = 50_000_000;

  private static final long SAMPLE_BYTES = 64 << 10;

  /** On a fast line answers are short: so much says something in whatever time it comes. */
  private static final long MUCH_BYTES = 1 << 20;

  /** One slow server is not a slow line; nobody is made to wait as if it were. */
  private static final double LEAST_BYTES_PER_SECOND = 1e6;

  private static final long RATE_PERIOD_NANOS = 5_000_000_000L;
  private static final long TRIP_PERIOD_NANOS = 60_000_000_000L;

  private final Best rates = new Best(RATE_PERIOD_NANOS);
  private final Best trips = new Best(TRIP_PERIOD_NANOS);
  private boolean flowing;
  private long lastNanos;
  private long sampleNanos;
  private long sampleBytes;
  private double sampleBefore;

  /** The largest value of the last one or two periods; of older ones if there is none. */
  private static final class Best {
    private final long periodNanos;
    private long beganNanos;
    private double now;
    private double before;

    Best(long periodNanos) {
      this.periodNanos = periodNanos;
    }

    void add(double value, long nanos) {
      if (isKnown() && nanos - beganNanos >= periodNanos) {
        before = now;
        now = value;
        beganNanos = nanos;
      } else if (!isKnown()) {
        now = value;
        beganNanos = nanos;
      } else {
        now = Math.max(now, value);
      }
    }

    boolean isKnown() {
      return now > 0;
    }

    double value() {
      return Math.max(now, before);
    }
  }

  /** An answer began {@code tripNanos} after its request. */
  void answered(long tripNanos, long nowNanos) {
    trips.add(1e9 / Math.max(1, tripNanos), nowNanos); // the shortest trip is the largest inverse
  }

  /**
   * {@code bytes} came.
   *
   * @param more whether some request whose bytes have begun to come has not ended: only then does
   *     the time to the next bytes say something of the line
   */
  void arrived(long bytes, boolean more, long nowNanos) {
    if (flowing) {
      sampleNanos += nowNanos - lastNanos;
      sampleBytes += bytes;
      boolean enough = sampleNanos >= SAMPLE_NANOS && sampleBytes >= SAMPLE_BYTES;
      if (enough || sampleBytes >= MUCH_BYTES) {
        double rate = sampleBytes * 1e9 / Math.max(1, sampleNanos);
        if (sampleBefore > 0) { // what had piled up somewhere comes in one sample, not in two
          rates.add(Math.min(rate, sampleBefore), nowNanos);
        }
        sampleBefore = rate;
        sampleNanos = 0;
        sampleBytes = 0;
      }
    }
    flowing = more;
    lastNanos = nowNanos;
  }

  /** Bytes per second. */
  double bandwidth() {
    return rates.isKnown()
        ? Math.max(LEAST_BYTES_PER_SECOND, rates.value())
        : ASSUMED_BYTES_PER_SECOND;
  }

  /** From a request to the first byte of its answer, at best. */
  long roundTripNanos() {
    return trips.isKnown() ? (long) (1e9 / trips.value()) : ASSUMED_ROUND_TRIP_NANOS;
  }

  /** What nobody waits for may delay somebody by: so many bytes. */
  long grain() {
    return Math.max(LEAST_GRAIN_BYTES, (long) (GRAIN_SECONDS * bandwidth()));
  }

  /** So many bytes may be asked for and not be here: what the line itself holds, and a grain. */
  long window() {
    return (long) (bandwidth() * roundTripNanos() / 1e9) + grain();
  }
}
