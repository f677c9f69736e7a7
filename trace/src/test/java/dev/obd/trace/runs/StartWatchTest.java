package dev.obd.trace.runs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class StartWatchTest {
  private static final long LIMIT = 120_000_000;

  private final StartWatch watch = new StartWatch();
  private long offset;

  private static long seconds(double seconds) {
    return (long) (seconds * 1e6);
  }

  private void read(double at, long from, int bytes) {
    watch.add(Trace.of(List.of(new Access(0, from, bytes))).withMicros(new long[] {seconds(at)}));
  }

  /** Ten reads of 128 KiB a second, each of new bytes. */
  private void burst(double from, double to) {
    for (double at = from; at < to; at += 0.1) {
      read(at, offset, 128 << 10);
      offset += 128 << 10;
    }
  }

  /** When it is over if nothing more is read, to a tenth of a second. */
  private double end(double from) {
    for (double now = from; seconds(now) < LIMIT; now += 0.1) {
      if (watch.isOver(seconds(now))) {
        return now;
      }
    }
    return Double.POSITIVE_INFINITY;
  }

  @Test
  void aShortStartIsOverTheLeastLullAfterItsLastBurst() {
    burst(0, 3);
    assertThat(end(3)).isBetween(2.9 + 10 - 0.2, 2.9 + 10 + 0.2);
    assertThat(watch.newBytes()).isEqualTo(offset);
  }

  @Test
  void aPauseInTheMiddleIsNotTheEnd() {
    burst(0, 3);
    assertThat(watch.isOver(seconds(12))).isFalse(); // nine seconds without a read
    burst(12, 15);
    assertThat(watch.isOver(seconds(25))).isFalse();
    assertThat(end(15)).isBetween(14.9 * 2 - 0.2, 14.9 * 2 + 0.3);
  }

  @Test
  void aLongStartMayPauseAsLongAsItTook() {
    burst(0, 30);
    assertThat(watch.isOver(seconds(58))).isFalse();
    assertThat(watch.isOver(seconds(60.5))).isTrue();
  }

  @Test
  void aTrickleOfNewBytesAndReadsOfOldOnesKeepNothingGoing() {
    burst(0, 2);
    for (int second = 2; second < 60; second++) {
      read(second, offset, 16 << 10); // a log, say
      offset += 16 << 10;
      for (int i = 0; i < 10; i++) {
        read(second + 0.05 * i, 0, 1 << 20); // read before
      }
    }
    assertThat(watch.isOver(seconds(12.2))).isTrue();
    assertThat(watch.newBytes()).isEqualTo(offset);
  }

  @Test
  void beforeTheFirstBurstThereIsNoEndAndOpeningTheImageIsNone() {
    Trace opening = Trace.of(List.of(new Access(0, 0, 1 << 20), new Access(1, 0, 1 << 20)));
    watch.ignore(opening);
    assertThat(end(0)).isInfinite();
    read(70, 0, 1 << 20); // of what opening read
    assertThat(watch.newBytes()).isZero();
    assertThat(watch.isOver(seconds(Duration.ofHours(1).toSeconds()))).isFalse();
  }

  @Test
  void manySmallReadsAreABurstToo() {
    for (int i = 0; i < 100; i++) {
      read(5 + i / 200.0, offset, 4 << 10);
      offset += 4 << 10;
    }
    assertThat(watch.isOver(seconds(14))).isFalse();
    assertThat(watch.isOver(seconds(15.6))).isTrue();
  }
}
