package dev.obd.backstore.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.obd.io.BlockSources;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SimulatedLinkTest {
  private static final long MBIT_100 = 12_500_000;

  /** A clock that moves when somebody sleeps on it, and then a little too far. */
  private static final class Oversleeping implements Ticker {
    private final AtomicLong now = new AtomicLong(5_000_000_000L);
    private final long oversleep;

    Oversleeping(long oversleep) {
      this.oversleep = oversleep;
    }

    @Override
    public long nanos() {
      return now.get();
    }

    @Override
    public void sleep(long nanos) {
      long until = now.get() + nanos + oversleep;
      now.accumulateAndGet(until, Math::max); // sleepers sleep at the same time
    }
  }

  @Test
  void aRequestTakesARoundTripAndItsBytes() throws IOException {
    var clock = new Oversleeping(0);
    var link = new SimulatedLink(clock, Duration.ofMillis(20), MBIT_100);
    long from = clock.nanos();
    link.pass(1_250_000, Deadline.NEVER);
    assertThat(clock.nanos() - from).isCloseTo(120_000_000L, within(10_000L));
    link.pass(0, Deadline.NEVER);
    assertThat(clock.nanos() - from).isCloseTo(140_000_000L, within(10_000L));
    assertThat(link.requests()).isEqualTo(2);
    assertThat(link.bytes()).isEqualTo(1_250_000);
  }

  @Test
  void aSleeperThatWakesLateLosesNoBandwidth() throws IOException {
    var clock = new Oversleeping(200_000);
    var link = new SimulatedLink(clock, Duration.ZERO, MBIT_100);
    long from = clock.nanos();
    link.pass(12_500_000, Deadline.NEVER);
    assertThat(clock.nanos() - from).isCloseTo(1_000_000_000L, within(1_000_000L));
  }

  @Test
  void requestsShareTheBandwidthAndNotTheRoundTrip() throws Exception {
    var clock = new Oversleeping(0);
    var link = new SimulatedLink(clock, Duration.ofMillis(20), MBIT_100);
    long from = clock.nanos();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        all.add(
            threads.submit(() -> {
              link.pass(1_250_000, Deadline.NEVER);
              return null;
            }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
    assertThat(clock.nanos() - from).isGreaterThanOrEqualTo(420_000_000L);
  }

  @Test
  void anUnlimitedLinkCostsOnlyTheRoundTrip() throws IOException {
    var clock = new Oversleeping(0);
    var link = new SimulatedLink(clock, Duration.ofMillis(5), 0);
    long from = clock.nanos();
    link.pass(Integer.MAX_VALUE, Deadline.NEVER);
    assertThat(clock.nanos() - from).isEqualTo(5_000_000L);
  }

  @Test
  void theDeadlineEndsARequestWhereverItIs() {
    var clock = new Oversleeping(0);
    var link = new SimulatedLink(clock, Duration.ofMillis(20), MBIT_100);
    for (long millis : new long[] {0, 10, 50}) {
      Deadline deadline = Deadline.after(clock, Duration.ofMillis(millis));
      long from = clock.nanos();
      assertThatThrownBy(() -> link.pass(1_250_000, deadline))
          .isInstanceOf(InterruptedIOException.class);
      assertThat(clock.nanos() - from).isEqualTo(millis * 1_000_000);
    }
  }

  @Test
  void aSourceBehindALinkHasItsBytesAndTheLinksTime() throws IOException {
    var clock = new Oversleeping(0);
    var link = new SimulatedLink(clock, Duration.ofMillis(20), 0);
    byte[] content = {1, 2, 3, 4, 5};
    try (var source =
        new LinkSource(BlockSources.ofBytes("near", ByteBuffer.wrap(content)), link)) {
      ByteBuffer dst = ByteBuffer.allocate(3);
      source.read(1, dst);
      assertThat(dst.array()).containsExactly(2, 3, 4);
      assertThat(link.requests()).isEqualTo(1);
      assertThat(link.bytes()).isEqualTo(3);
      var hurried = new ReadContext(Purpose.DEMAND, Deadline.after(clock, Duration.ofMillis(10)));
      assertThatThrownBy(() ->
              hurried.run(() -> {
                source.read(0, ByteBuffer.allocate(1));
                return source;
              }))
          .isInstanceOf(InterruptedIOException.class);
    }
  }
}
