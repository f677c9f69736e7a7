package dev.obd.backstore.source;

import static dev.obd.backstore.cache.Eventually.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.source.SlotScheduler.Limits;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import dev.obd.registry.RequestListener;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class SlotSchedulerTest {
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Pending> running = new CopyOnWriteArrayList<>();

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  private static SlotScheduler slots(int demand, int other) {
    return new SlotScheduler("host", new Limits(demand, other), Ticker.SYSTEM);
  }

  /** A request that is under way until it is told to end. */
  private final class Pending {
    private final Purpose purpose;
    private final CountDownLatch end = new CountDownLatch(1);
    private final Future<?> done;

    Pending(SlotScheduler slots, Purpose purpose, long bytes) {
      this.purpose = purpose;
      done = threads.submit(() -> slots.run(purpose, bytes, this::untilTold));
    }

    private Pending untilTold() throws IOException {
      running.add(this);
      try {
        end.await();
      } catch (InterruptedException e) {
        throw new InterruptedIOException();
      }
      return this;
    }

    void end() throws Exception {
      end.countDown();
      done.get();
      running.remove(this);
    }
  }

  private Pending first(Purpose purpose) {
    return running.stream().filter(p -> p.purpose == purpose).findFirst().orElseThrow();
  }

  @Test
  void replaysRunAsTheLineHoldsThemAndNoNewOnesAfterAMiss() throws Exception {
    try (SlotScheduler slots = slots(8, 4)) {
      for (int i = 0; i < 6; i++) {
        new Pending(slots, Purpose.REPLAY, 10);
      }
      until(() -> running.size() == 4 && slots.queued() == 2);
      Pending demand = new Pending(slots, Purpose.DEMAND, 10);
      until(() -> running.contains(demand)); // at once, whatever else is under way
      demand.end();
      first(Purpose.REPLAY).end();
      until(() -> slots.queued() == 1); // after a while, though nothing else happens
      assertThat(slots.otherRunning()).isEqualTo(4);
      assertThat(slots.waitedNanos()).isPositive();
    }
  }

  @Test
  void aTransferIsMadeInPartsWhileMissesAreNear() throws Exception {
    try (SlotScheduler slots = slots(8, 4)) {
      assertThat(slots.run(Purpose.DEMAND, 1, () -> "missed")).isEqualTo("missed");
      List<Long> parts = new ArrayList<>();
      var context = new ReadContext(Purpose.REPLAY, Deadline.NEVER);
      context.run(() -> {
        slots.transfer(
            300_000,
            (done, length, arrivals) -> {
              assertThat(done).isEqualTo(parts.stream().mapToLong(n -> n).sum());
              parts.add(length);
              return arrivals.arrived((int) length);
            });
        return parts;
      });
      assertThat(parts.stream().mapToLong(n -> n).sum()).isEqualTo(300_000);
      assertThat(parts.getFirst()).isBetween(64L << 10, 128L << 10);
    }
  }

  @Test
  void aTransferThatWouldStandBeforeAMissIsCutAndComesAgain() throws Exception {
    try (SlotScheduler slots = slots(8, 4)) {
      var begun = new CountDownLatch(1);
      var cut = new CountDownLatch(1);
      List<Boolean> went = new CopyOnWriteArrayList<>();
      Future<?> stream =
          threads.submit(() ->
              new ReadContext(Purpose.BACKGROUND, Deadline.NEVER)
                  .run(() -> {
                    slots.transfer(
                        64 << 20,
                        (done, length, arrivals) -> {
                          RequestListener.current().cancellable(cut::countDown);
                          went.add(arrivals.arrived(1000));
                          begun.countDown();
                          awaitQuietly(cut);
                          went.add(arrivals.arrived(1000));
                          return true;
                        });
                    return went;
                  }));
      begun.await();
      assertThat(slots.run(Purpose.DEMAND, 1, () -> "missed")).isEqualTo("missed");
      stream.get();
      assertThat(went).containsExactly(true, false);
      assertThat(slots.otherRunning()).isZero();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new InterruptedIOException();
    }
  }

  @Test
  void replayGoesBeforeBackgroundAndDemandsAreBoundedToo() throws Exception {
    try (SlotScheduler slots = slots(2, 1)) {
      Pending first = new Pending(slots, Purpose.BACKGROUND, 1);
      until(() -> running.contains(first));
      Pending background = new Pending(slots, Purpose.BACKGROUND, 1);
      until(() -> slots.queued() == 1);
      Pending replay = new Pending(slots, Purpose.REPLAY, 1);
      until(() -> slots.queued() == 2);
      first.end();
      until(() -> running.contains(replay));
      assertThat(running).doesNotContain(background);
      for (int i = 0; i < 3; i++) {
        new Pending(slots, Purpose.DEMAND, 1);
      }
      until(() -> slots.demandRunning() == 2 && slots.queued() == 2);
      first(Purpose.DEMAND).end();
      until(() -> slots.demandRunning() == 2 && slots.queued() == 1);
    }
  }

  @Test
  void waitingEndsWithTheDeadline() throws Exception {
    try (SlotScheduler slots = slots(1, 1)) {
      Pending ahead = new Pending(slots, Purpose.REPLAY, 1);
      until(() -> running.contains(ahead));
      Pending holds = new Pending(slots, Purpose.DEMAND, 1);
      until(() -> running.contains(holds));
      for (Purpose purpose : Purpose.values()) {
        var context =
            new ReadContext(purpose, Deadline.after(Ticker.SYSTEM, Duration.ofMillis(20)));
        assertThatThrownBy(() -> context.run(() -> slots.run(purpose, 1, () -> "never")))
            .isInstanceOf(InterruptedIOException.class)
            .hasMessageContaining("host: the time ran out");
      }
      assertThat(slots.queued()).isZero();
      holds.end();
      ahead.end();
      assertThat(slots.run(Purpose.REPLAY, 1, () -> "served")).isEqualTo("served");
    }
  }

  @Test
  void closingFailsThoseWhoWait() throws Exception {
    SlotScheduler slots = slots(1, 1);
    Pending holds = new Pending(slots, Purpose.DEMAND, 1);
    until(() -> running.contains(holds));
    Pending waits = new Pending(slots, Purpose.REPLAY, 1);
    until(() -> slots.queued() == 1);
    slots.close();
    assertThatThrownBy(waits.done::get).hasMessageContaining("host: shutting down");
    assertThatThrownBy(() -> slots.run(Purpose.DEMAND, 1, () -> "late"))
        .isInstanceOf(IOException.class);
    holds.end();
  }

  @Test
  void aFailingOperationGivesItsSlotBack() throws Exception {
    try (SlotScheduler slots = slots(1, 1)) {
      for (int i = 0; i < 5; i++) {
        assertThatThrownBy(() ->
                slots.run(
                    Purpose.DEMAND,
                    1,
                    () -> {
                      throw new IOException("no");
                    }))
            .hasMessage("no");
      }
      assertThat(slots.demandRunning()).isZero();
    }
  }

  /** Many threads, any purposes: limits hold at every moment, everybody gets through. */
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#fewSeeds")
  void limitsHoldUnderLoad(long seed) throws Exception {
    AtomicInteger demand = new AtomicInteger();
    AtomicInteger others = new AtomicInteger();
    AtomicInteger worst = new AtomicInteger();
    try (SlotScheduler slots = slots(3, 5)) {
      List<Future<?>> all = new ArrayList<>();
      for (int t = 0; t < 20; t++) {
        var random = new SplittableRandom(seed + t);
        all.add(
            threads.submit(() -> {
              for (int i = 0; i < 8; i++) {
                Purpose purpose = Purpose.values()[random.nextInt(3)];
                AtomicInteger mine = purpose == Purpose.DEMAND ? demand : others;
                int most = purpose == Purpose.DEMAND ? 3 : 5;
                slots.run(
                    purpose,
                    random.nextInt(200),
                    () -> {
                      worst.accumulateAndGet(mine.incrementAndGet() - most, Math::max);
                      Thread.yield();
                      mine.decrementAndGet();
                      return purpose;
                    });
              }
              return null;
            }));
      }
      for (Future<?> one : all) {
        one.get();
      }
      assertThat(worst.get()).isLessThanOrEqualTo(0);
      assertThat(slots.queued() + slots.demandRunning() + slots.otherRunning()).isZero();
    }
  }
}
