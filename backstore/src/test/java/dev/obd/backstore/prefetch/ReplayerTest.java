package dev.obd.backstore.prefetch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReplayerTest {
  private static final int KIB = 1024;
  private static final int MIB = 1024 * KIB;
  private static final int UNIT = 64 * KIB;

  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void stopExecutor() {
    executor.shutdownNow();
  }

  @Test
  void whatWasRecordedIsPresentAfterwardsInFewRequests() throws Exception {
    var cache = cache(32 * MIB);
    List<Access> records = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      records.add(new Access(0, i * 4096L, 4096));
      records.add(new Access(0, i * 4096L, 512));
    }
    ReplayStats stats = replay(List.of(cache), records);
    assertThat(cache.holds(new Range(0, 1000 * 4096))).isTrue();
    assertThat(cache.requests())
        .containsExactlyInAnyOrder(
            new Range(0, MIB),
            new Range(MIB, MIB),
            new Range(2 * MIB, MIB),
            new Range(3 * MIB, 15 * UNIT));
    assertThat(stats)
        .isEqualTo(new ReplayStats(ReplayStats.State.DONE, 2000, 0, 4, 63 * UNIT, 4, 63 * UNIT, 0));
  }

  @Test
  void earlyRangesComeFirstWhateverTheirPlaceAndLayer() throws Exception {
    var low = cache(64 * MIB);
    var high = cache(64 * MIB);
    List<Range> order = new ArrayList<>();
    low.script(order::add);
    high.script(order::add);
    replay(
        List.of(low, high),
        List.of(
            new Access(1, 40 * MIB, 1),
            new Access(0, 20 * MIB, 1),
            new Access(1, 10 * MIB, 1),
            new Access(1, 40 * MIB, 10)),
        ReplayOptions.DEFAULT.withConcurrency(1));
    assertThat(order)
        .containsExactly(
            new Range(40 * MIB, UNIT), new Range(20 * MIB, UNIT), new Range(10 * MIB, UNIT));
  }

  @Test
  void requestsAreWholeUnitsAndEndWithTheBlob() throws Exception {
    var cache = cache(3 * MIB + 5);
    replay(List.of(cache), List.of(new Access(0, UNIT + 1, 1), new Access(0, 3 * MIB, 4096)));
    assertThat(cache.requests())
        .containsExactlyInAnyOrder(new Range(UNIT, UNIT), new Range(3 * MIB, 5));
  }

  @Test
  void rangesAreTranslatedDownToTheFirstCache() throws Exception {
    var cache = cache(8 * MIB);
    BlockSource layer = BlockSources.slice(BlockSources.slice(cache, MIB, 4 * MIB), MIB, MIB);
    replay(List.of(layer), List.of(new Access(0, 0, 1)));
    assertThat(cache.requests()).containsExactly(new Range(2 * MIB, UNIT));
  }

  @Test
  void twoLayersInOneBlobShareItsRequests() throws Exception {
    var cache = cache(8 * MIB);
    replay(List.of(cache, cache), List.of(new Access(0, 0, 1), new Access(1, 0, 1)));
    assertThat(cache.requests()).containsExactly(new Range(0, UNIT));
  }

  @Test
  void whatNeedsNoRequestIsSkipped() throws Exception {
    var cache = cache(MIB);
    BlockSource local = BlockSources.slice(new SizedSource(MIB), 0, MIB);
    ReplayStats stats =
        replay(
            List.of(cache, local),
            List.of(
                new Access(1, 0, 1),
                new Access(2, 0, 1),
                new Access(Integer.MAX_VALUE, 0, 1),
                new Access(0, MIB, 1),
                new Access(0, Long.MAX_VALUE - 1, 1),
                new Access(0, MIB - 1, 4096)));
    assertThat(cache.requests()).containsExactly(new Range(MIB - UNIT, UNIT));
    assertThat(stats.skipped()).isEqualTo(5);
    assertThat(stats.records()).isEqualTo(6);
  }

  @Test
  void readsRunAsReplayWithALimit() throws Exception {
    var cache = cache(MIB);
    replay(List.of(cache), List.of(new Access(0, 0, 1)));
    ReadContext context = cache.contexts().getFirst();
    assertThat(context.purpose()).isEqualTo(ReadContext.Purpose.REPLAY);
    assertThat(context.deadline().remainingNanos())
        .isLessThanOrEqualTo(ReplayOptions.DEFAULT.patience().toNanos());
  }

  @Test
  void noMoreThanTheConcurrencyRunAtOnceAndThatManyDo() throws Exception {
    var cache = cache(64 * MIB);
    var running = new AtomicInteger();
    var most = new AtomicInteger();
    var allThere = new CountDownLatch(5);
    cache.script(range -> {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      allThere.countDown();
      await(allThere);
      running.decrementAndGet();
    });
    List<Access> records = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      records.add(new Access(0, (long) i * MIB, MIB));
    }
    replay(List.of(cache), records, ReplayOptions.DEFAULT.withConcurrency(5));
    assertThat(most).hasValue(5);
  }

  @Test
  void failuresAreCountedAndTheRestIsFetched() throws Exception {
    var cache = cache(64 * MIB);
    cache.script(range -> {
      if (range.offset() == 2 * MIB) {
        throw new IOException("as scripted");
      }
      if (range.offset() == 4 * MIB) {
        throw new IllegalStateException("as scripted");
      }
    });
    ReplayStats stats =
        replay(
            List.of(cache),
            List.of(
                new Access(0, 0, 1),
                new Access(0, 2 * MIB, 1),
                new Access(0, 4 * MIB, 1),
                new Access(0, 6 * MIB, 1)));
    assertThat(stats.state()).isEqualTo(ReplayStats.State.DONE);
    assertThat(stats.failed()).isEqualTo(2);
    assertThat(stats.requests()).isEqualTo(4);
    assertThat(stats.bytes()).isEqualTo(2 * UNIT);
    assertThat(cache.holds(new Range(6 * MIB, 1))).isTrue();
  }

  @Test
  void aDamagedTraceFetchesNothingAndThrowsNothing() throws Exception {
    var cache = cache(MIB);
    byte[] damaged = TraceFile.encode(List.of(new Access(0, 0, 1)));
    damaged[30]++;
    try (var replayer =
        Replayer.start(
            "an image",
            List.of(cache),
            () -> TraceFile.decode("a trace", ByteBuffer.wrap(damaged)),
            ReplayOptions.DEFAULT,
            executor)) {
      assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
      assertThat(replayer.stats().state()).isEqualTo(ReplayStats.State.DAMAGED);
      assertThat(replayer.stats().done()).isTrue();
    }
    assertThat(cache.requests()).isEmpty();
  }

  @Test
  void startingDoesNotWaitForTheTrace() throws Exception {
    var go = new CountDownLatch(1);
    try (var replayer =
        Replayer.start(
            "an image",
            List.of(),
            () -> {
              await(go);
              return Trace.EMPTY;
            },
            ReplayOptions.DEFAULT,
            executor)) {
      assertThat(replayer.stats().state()).isEqualTo(ReplayStats.State.LOADING);
      assertThat(replayer.stats().done()).isFalse();
      assertThat(replayer.awaitDone(Duration.ZERO)).isFalse();
      go.countDown();
      assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
      assertThat(replayer.stats().state()).isEqualTo(ReplayStats.State.DONE);
    }
  }

  @Test
  void closingMakesNoFurtherRequests() throws Exception {
    var cache = cache(64 * MIB);
    var first = new Semaphore(0);
    var go = new CountDownLatch(1);
    cache.script(range -> {
      first.release();
      await(go);
      throw new IOException("the cache is closed meanwhile");
    });
    List<Access> records = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      records.add(new Access(0, (long) i * MIB, MIB));
    }
    var replayer = start(List.of(cache), records, ReplayOptions.DEFAULT.withConcurrency(2));
    first.acquire(2);
    replayer.close();
    go.countDown();
    assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
    assertThat(cache.requests()).hasSize(2);
    assertThat(replayer.stats().state()).isEqualTo(ReplayStats.State.STOPPED);
    assertThat(replayer.stats().failed()).isZero();
  }

  @Test
  void anExecutorThatRefusesEndsIt() throws Exception {
    executor.shutdown();
    try (var replayer = start(List.of(cache(MIB)), List.of(), ReplayOptions.DEFAULT)) {
      assertThat(replayer.awaitDone(Duration.ZERO)).isTrue();
      assertThat(replayer.stats().state()).isEqualTo(ReplayStats.State.STOPPED);
    }
  }

  @Test
  void anExecutorWithFewerThreadsIsEnough() throws Exception {
    var cache = cache(64 * MIB);
    try (var single = Executors.newSingleThreadExecutor();
        var replayer =
            Replayer.start(
                "an image",
                List.of(cache),
                () -> Trace.of(List.of(new Access(0, 0, 1), new Access(0, 9 * MIB, 1))),
                ReplayOptions.DEFAULT,
                single)) {
      assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
    }
    assertThat(cache.requests()).hasSize(2);
  }

  @Test
  void aHostileTraceNeverAsksForMoreThanTheBlobsUnits() throws Exception {
    var cache = cache(100 * MIB);
    var random = new SplittableRandom(1);
    List<Access> records = new ArrayList<>();
    for (int i = 0; i < 300_000; i++) {
      long offset = random.nextLong(Long.MAX_VALUE) >> random.nextInt(50);
      records.add(
          new Access(random.nextInt(3), offset, 1 + random.nextLong(Long.MAX_VALUE - offset)));
      records.add(new Access(0, random.nextLong(100 * MIB), 1 + random.nextInt(MIB)));
    }
    ReplayStats stats = replay(List.of(cache), records);
    assertThat(stats.requests()).isLessThanOrEqualTo(100);
    assertThat(stats.bytes()).isLessThanOrEqualTo(100 * MIB);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everyRecordedByteIsFetchedOnceAndOnlyItsUnitsAndGaps(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    List<FakeCache> caches = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int unit = 4 * KIB << random.nextInt(6);
      caches.add(new FakeCache(new SizedSource(random.nextInt(1, 40 * MIB)), unit));
    }
    List<Access> records = new ArrayList<>();
    for (int i = random.nextInt(500); i > 0; i--) {
      records.add(
          new Access(
              random.nextInt(4),
              random.nextInt(41 * MIB),
              1 + random.nextInt(1 << random.nextInt(1, 22))));
    }
    replay(caches, records);
    for (Access access : records) {
      if (access.layer() < 3) {
        FakeCache cache = caches.get(access.layer());
        long start = Math.min(access.offset(), cache.size());
        long end = Math.min(access.offset() + access.length(), cache.size());
        assertThat(cache.holds(new Range(start, end - start))).isTrue();
      }
    }
    for (FakeCache cache : caches) {
      long end = 0;
      for (Range range :
          cache.requests().stream()
              .sorted(java.util.Comparator.comparingLong(Range::offset))
              .toList()) {
        assertThat(range.offset()).isGreaterThanOrEqualTo(end);
        assertThat(range.offset() % cache.unitBytes()).isZero();
        assertThat(range.length()).isBetween(1L, (long) MIB);
        end = range.end();
      }
      assertThat(end).isLessThanOrEqualTo(cache.size());
    }
  }

  private static LongStream seeds() {
    return LongStream.concat(
        LongStream.range(0, 30), LongStream.of(new SplittableRandom().nextLong()));
  }

  private static FakeCache cache(long size) {
    return new FakeCache(new SizedSource(size), UNIT);
  }

  private static void await(CountDownLatch latch) throws EOFException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new EOFException("interrupted");
    }
  }

  private ReplayStats replay(List<? extends BlockSource> layers, List<Access> records)
      throws InterruptedException {
    return replay(layers, records, ReplayOptions.DEFAULT);
  }

  private ReplayStats replay(
      List<? extends BlockSource> layers, List<Access> records, ReplayOptions options)
      throws InterruptedException {
    try (var replayer = start(layers, records, options)) {
      assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
      return replayer.stats();
    }
  }

  private Replayer start(
      List<? extends BlockSource> layers, List<Access> records, ReplayOptions options) {
    return Replayer.start("an image", layers, () -> Trace.of(records), options, executor);
  }

  @Test
  void anErrorWhileTheTraceIsReadEndsTheReplayAndSaysSo() throws Exception {
    try (var replayer =
        Replayer.start(
            "an image",
            List.of(),
            () -> {
              throw new StackOverflowError("deep");
            },
            ReplayOptions.DEFAULT,
            executor)) {
      assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
      assertThat(replayer.stats().state()).isEqualTo(ReplayStats.State.DAMAGED);
      assertThat(replayer.missing().orElseThrow()).contains("could not be read").contains("deep");
    }
  }
}
