package dev.obd.io;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LatenciesTest {
  @Test
  void everyValueLiesInABucketThatEndsAtMostAnEighthAbove() {
    for (long value = 0; value >= 0; value = value < 10_000 ? value + 1 : value * 17 / 16) {
      if (value > Long.MAX_VALUE / 17) {
        break;
      }
      long highest = Latencies.highest(Latencies.bucket(value));
      assertThat(highest).isBetween(value, value + value / 8);
      assertThat(Latencies.bucket(highest)).isEqualTo(Latencies.bucket(value));
      assertThat(Latencies.bucket(highest + 1)).isEqualTo(Latencies.bucket(value) + 1);
    }
    assertThat(Latencies.highest(Latencies.bucket(Long.MAX_VALUE))).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void quantilesOfAKnownDistribution() {
    var latencies = new Latencies();
    for (int i = 1; i <= 1000; i++) {
      latencies.record(i * 1000L);
    }
    LatencySnapshot snapshot = latencies.snapshot();
    assertThat(snapshot.count()).isEqualTo(1000);
    assertThat(snapshot.totalNanos()).isEqualTo(500_500_000L);
    assertThat(snapshot.medianNanos()).isBetween(500_000L, 562_500L);
    assertThat(snapshot.p99Nanos()).isBetween(990_000L, 1_000_000L);
    assertThat(snapshot.maxNanos()).isEqualTo(1_000_000L);
  }

  @Test
  void countsWhatTookLessThanAPowerOfTwo() {
    var latencies = new Latencies();
    for (long nanos : new long[] {0, 1, 7, 8, 9, 1023, 1024, Long.MAX_VALUE}) {
      latencies.record(nanos);
    }
    var below = latencies.snapshot().below();
    assertThat(below).hasSize(63);
    assertThat(below.subList(0, 5)).containsExactly(1L, 2L, 2L, 3L, 5L);
    assertThat(below.get(10)).isEqualTo(6);
    assertThat(below.get(11)).isEqualTo(7);
    assertThat(below.get(62)).isEqualTo(7);
  }
}
