package dev.obd.backstore.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.source.SlotScheduler.Limits;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RequestListener;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How fast a host is asked. */
@Timeout(60)
class PaceTest {
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1000 * MS;

  private final AdaptiveWindow window = new AdaptiveWindow(64);

  @Test
  void tokensComeAtTheirPaceAndABurstIsSaved() {
    var bucket = new TokenBucket(10, 3, 0);
    long now = 0;
    for (int i = 0; i < 3; i++) {
      assertThat(bucket.waitNanos(now)).isZero();
      bucket.take();
    }
    assertThat(bucket.waitNanos(now)).isEqualTo(100 * MS);
    now = 60 * MS;
    assertThat(bucket.waitNanos(now)).isBetween(40 * MS - 2, 40 * MS + 2);
    now = 100 * MS;
    assertThat(bucket.waitNanos(now + 1)).isZero();
    bucket.take();
    now = 3600 * SECOND;
    for (int i = 0; i < 3; i++) {
      assertThat(bucket.waitNanos(now)).isZero();
      bucket.take();
    }
    assertThat(bucket.waitNanos(now)).isPositive();
    bucket.take(); // a retry does not ask
    assertThat(bucket.waitNanos(now)).isEqualTo(200 * MS);
    assertThat(new TokenBucket(0, 1, 0).waitNanos(5)).isZero();
  }

  @Test
  void aRefusalHalvesWhatIsUnderWayOncePerRound() {
    window.refused(32, 0);
    assertThat(window.size()).isEqualTo(16);
    window.refused(32, 10 * MS); // sent before the first refusal was heard
    assertThat(window.size()).isEqualTo(16);
    for (int second = 2; second < 20; second++) {
      window.refused(window.size(), second * SECOND);
    }
    assertThat(window.size()).isEqualTo(1);
  }

  @Test
  void itGrowsByOnePerRoundOfAnswersWhileItIsUsed() {
    window.refused(8, 0);
    assertThat(window.size()).isEqualTo(4);
    long now = SECOND;
    for (int i = 0; i < 5; i++) {
      window.answered("o", 5 * MS, 4, now++);
    }
    assertThat(window.size()).isEqualTo(5);
    for (int i = 0; i < 1000; i++) {
      window.answered("o", 5 * MS, 1, now++); // not used up: nothing learned
    }
    assertThat(window.size()).isEqualTo(5);
    for (int i = 0; i < 10_000; i++) {
      window.answered("o", 5 * MS, 64, now++);
    }
    assertThat(window.size()).isEqualTo(64);
  }

  @Test
  void answersThatComeMuchLaterThanTheyCouldShrinkItButNotToNothing() {
    long now = 0;
    for (int i = 0; i < 100; i++) {
      window.answered("o", 10 * MS, 64, now += MS);
    }
    assertThat(window.size()).isEqualTo(64);
    for (int i = 0; i < 1000; i++) {
      window.answered("o", 300 * MS, window.size(), now += 50 * MS);
    }
    assertThat(window.size()).isEqualTo(4);
    for (int i = 0; i < 3000; i++) {
      window.answered("o", 10 * MS, window.size(), now += 5 * MS);
    }
    assertThat(window.size()).isEqualTo(64);
  }

  @Test
  void aFarOriginIsNotALateOne() {
    long now = 0;
    for (int i = 0; i < 1000; i++) {
      window.answered("registry", 2 * MS, 64, now += 10 * MS);
      window.answered("store far away", 250 * MS, 64, now += 10 * MS);
    }
    assertThat(window.size()).isEqualTo(64);
  }

  @Test
  void aLongWayThatBecomesTheOnlyOneIsNormalAfterAWhile() {
    long now = 0;
    window.answered("o", 5 * MS, 64, now);
    for (int i = 0; i < 10_000; i++) {
      window.answered("o", 250 * MS, window.size(), now += 50 * MS);
    }
    assertThat(window.size()).isEqualTo(64);
  }

  private static SlotScheduler slots(Pace pace) {
    return new SlotScheduler("host", new Limits(16, 4), pace, Ticker.SYSTEM);
  }

  @Test
  void requestsPerSecondAreBoundedAndDemandGoesFirst() throws Exception {
    SlotScheduler slots = slots(Pace.of(50, 1));
    var order = new ArrayList<Purpose>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      boolean first = slots.run(Purpose.DEMAND, 1, () -> true); // takes the burst
      assertThat(first).isTrue();
      long began = System.nanoTime();
      List<Future<Boolean>> all = new ArrayList<>();
      for (Purpose purpose :
          List.of(Purpose.REPLAY, Purpose.REPLAY, Purpose.DEMAND, Purpose.DEMAND)) {
        Callable<Boolean> request =
            () ->
                slots.run(
                    purpose,
                    1,
                    () -> {
                      synchronized (order) {
                        return order.add(purpose);
                      }
                    });
        all.add(threads.submit(request));
      }
      for (Future<Boolean> one : all) {
        assertThat(one.get()).isTrue();
      }
      assertThat(System.nanoTime() - began).isGreaterThan(75 * MS); // four at 20 ms each
    }
    assertThat(order.subList(2, 4)).contains(Purpose.REPLAY);
  }

  @Test
  void aHostThatRefusesGetsFewerAtOnceAndMoreAgainLater() throws Exception {
    SlotScheduler slots = slots(Pace.ADAPTIVE);
    assertThat(slots.window()).isEqualTo(20);
    var refusal = new RegistryException(Kind.TOO_MANY_REQUESTS, 429, "slow down", null);
    boolean done =
        slots.run(
            Purpose.DEMAND,
            1,
            () -> {
              RequestListener.current().retrying(refusal);
              return true;
            });
    assertThat(done).isTrue();
    assertThat(slots.window()).isEqualTo(1);
    var most = new AtomicInteger();
    var now = new AtomicInteger();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> all = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        Callable<Boolean> request =
            () ->
                slots.run(
                    Purpose.DEMAND,
                    1,
                    () -> {
                      most.accumulateAndGet(now.incrementAndGet(), Math::max);
                      RequestListener.current().answered("host", MS);
                      now.decrementAndGet();
                      return true;
                    });
        all.add(threads.submit(request));
      }
      for (Future<Boolean> one : all) {
        assertThat(one.get()).isTrue();
      }
    }
    assertThat(most.get()).isLessThan(16);
    assertThat(slots.window()).isGreaterThan(1);
    assertThatThrownBy(() ->
            slots.run(
                Purpose.DEMAND,
                1,
                () -> {
                  throw refusal;
                }))
        .isEqualTo(refusal);
    assertThat(slots.window()).isLessThan(20);
  }

  @Test
  void nonsenseIsNoPace() {
    for (double rate : new double[] {-1, Double.NaN, 1e7}) {
      assertThatThrownBy(() -> new Pace(rate, 1, true))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> new Pace(1, 0, true)).isInstanceOf(IllegalArgumentException.class);
  }
}
