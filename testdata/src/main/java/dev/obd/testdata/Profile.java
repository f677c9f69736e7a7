package dev.obd.testdata;

import java.time.Duration;

/**
 * How a simulated link and the host behind it behave. Immutable.
 *
 * @param latency from the arrival of a request to the first byte of its answer
 * @param connectLatency from the acceptance of a connection to the reading of its first request
 * @param bytesPerSecond shared by all connections to a host, each direction by itself; 0: unlimited
 * @param bytesPerSecondPerConnection cap of a single connection; 0: none
 * @param errorRate share of requests answered with 503
 * @param stallRate share of requests that first wait for {@code stall}
 * @param stall how long such a request waits
 */
public record Profile(
    Duration latency,
    Duration connectLatency,
    long bytesPerSecond,
    long bytesPerSecondPerConnection,
    double errorRate,
    double stallRate,
    Duration stall) {

  /** No delay, no limit, no errors. */
  public static final Profile INSTANT = link(Duration.ZERO, 0);

  /** Another region behind a redirect: 25 Mbit/s, 230 ms. */
  public static final Profile DOC25 = link(Duration.ofMillis(230), megabits(25));

  /** 25 Mbit/s, 60 ms. */
  public static final Profile SLOW = link(Duration.ofMillis(60), megabits(25));

  /** 100 Mbit/s, 20 ms. */
  public static final Profile WAN = link(Duration.ofMillis(20), megabits(100));

  /** 1 Gbit/s, 5 ms. */
  public static final Profile LAN = link(Duration.ofMillis(5), megabits(1000));

  /** No bandwidth limit, 0.5 ms. */
  public static final Profile DC = link(Duration.ofNanos(500_000), 0);

  /** 1 % errors, 0.5 % stalls of 5 s. */
  public static final Profile FLAKY =
      new Profile(Duration.ZERO, Duration.ZERO, 0, 0, 0.01, 0.005, Duration.ofSeconds(5));

  public Profile {
    if (latency.isNegative() || connectLatency.isNegative() || stall.isNegative()) {
      throw new IllegalArgumentException("negative duration");
    }
    if (bytesPerSecond < 0 || bytesPerSecondPerConnection < 0) {
      throw new IllegalArgumentException("negative bandwidth");
    }
  }

  /** A link without faults. */
  public static Profile link(Duration latency, long bytesPerSecond) {
    return new Profile(latency, Duration.ZERO, bytesPerSecond, 0, 0, 0, Duration.ZERO);
  }

  /** This profile with a price on each new connection. */
  public Profile withConnectLatency(Duration price) {
    return new Profile(
        latency, price, bytesPerSecond, bytesPerSecondPerConnection, errorRate, stallRate, stall);
  }

  /** This profile with a cap on each connection. */
  public Profile withConnectionCap(long cap) {
    return new Profile(latency, connectLatency, bytesPerSecond, cap, errorRate, stallRate, stall);
  }

  /** Megabits per second in bytes per second. */
  public static long megabits(long megabits) {
    return megabits * 1_000_000 / 8;
  }
}
