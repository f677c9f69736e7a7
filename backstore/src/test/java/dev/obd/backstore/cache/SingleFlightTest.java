package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.read;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static dev.obd.backstore.cache.Eventually.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.source.ScheduledSource;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.io.Deadline;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SingleFlightTest {
  @TempDir Path directory;

  private final byte[] content = content(1, 256 * KIB);
  private final CountingOrigin origin = new CountingOrigin(content);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch answer = new CountDownLatch(1);
  private BlobCache cache;
  private CachedSource source;

  @BeforeEach
  void open() {
    cache = CacheTests.open(CacheTests.small(directory).withUnit(64 * KIB));
    source = cache.source(digest(1), origin);
  }

  @AfterEach
  void close() throws IOException {
    threads.shutdownNow();
    source.close();
    cache.close();
  }

  private static <T> T as(Purpose purpose, Deadline deadline, ReadContext.Operation<T> operation)
      throws IOException {
    return new ReadContext(purpose, deadline).run(operation);
  }

  private static Deadline in(long millis) {
    return Deadline.after(Ticker.SYSTEM, Duration.ofMillis(millis));
  }

  private void originWaits() {
    origin.hook =
        (offset, length) -> {
          try {
            answer.await();
          } catch (InterruptedException e) {
            throw new InterruptedIOException();
          }
        };
  }

  private void joined(int waiters) throws InterruptedException {
    until(() -> cache.stats().snapshot().joins() >= waiters);
  }

  @Test
  void manyReadersOfOneRangeAreOneRequest() throws ExecutionException, InterruptedException {
    originWaits();
    List<Future<byte[]>> readers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      int from = i * 1000;
      readers.add(threads.submit(() -> read(source, from, 500)));
    }
    joined(19);
    answer.countDown();
    for (int i = 0; i < 20; i++) {
      assertThat(readers.get(i).get())
          .isEqualTo(Arrays.copyOfRange(content, i * 1000, i * 1000 + 500));
    }
    assertThat(origin.requests).containsExactly(new Range(0, 64 * KIB));
  }

  @Test
  void twoSourcesOfOneBlobShareTheirRequests() throws Exception {
    originWaits();
    CountingOrigin other = new CountingOrigin(content);
    try (CachedSource second = cache.source(digest(1), other)) {
      Future<byte[]> first = threads.submit(() -> read(source, 0, 500));
      until(() -> origin.requests.size() == 1);
      Future<byte[]> joiner = threads.submit(() -> read(second, 0, 500));
      joined(1);
      answer.countDown();
      assertThat(first.get()).isEqualTo(joiner.get());
      assertThat(other.requests).isEmpty();
    }
  }

  @Test
  void aJoinerWaitsNoLongerThanItsOwnDeadline() throws Exception {
    originWaits();
    Deadline soon = in(300);
    Future<byte[]> loader =
        threads.submit(() -> as(Purpose.DEMAND, soon, () -> read(source, 0, 500)));
    until(() -> origin.requests.size() == 1);
    assertThatThrownBy(() -> as(Purpose.DEMAND, soon, () -> read(source, 0, 10)))
        .isInstanceOf(InterruptedIOException.class)
        .hasMessageContaining("time ran out");
    answer.countDown();
    assertThat(loader.get()).isEqualTo(Arrays.copyOf(content, 500));
    assertThat(origin.requests).hasSize(1);
  }

  @Test
  void aReaderWhoMayNotWaitAsLongAsAStalledPrefetchAsksItself() throws Exception {
    origin.hook =
        (offset, length) -> {
          if (origin.requests.size() == 1) {
            try {
              answer.await();
            } catch (InterruptedException e) {
              throw new InterruptedIOException();
            }
          }
        };
    Future<?> stalled = threads.submit(() -> prefetch(source, new Range(0, 500)));
    until(() -> origin.requests.size() == 1);
    assertThat(as(Purpose.DEMAND, in(400), () -> read(source, 100, 500)))
        .isEqualTo(Arrays.copyOfRange(content, 100, 600));
    assertThat(origin.requests).hasSize(2);
    assertThat(cache.stats().snapshot().overtaken()).isEqualTo(1);
    // What comes late all the same is neither an error nor kept twice.
    answer.countDown();
    stalled.get();
    assertThat(read(source, 0, 500)).isEqualTo(Arrays.copyOf(content, 500));
    assertThat(origin.requests).hasSize(2);
  }

  @Test
  void aReadWhoseTimeIsUpMakesNoRequest() {
    assertThatThrownBy(() -> as(Purpose.DEMAND, in(0), () -> read(source, 0, 10)))
        .isInstanceOf(InterruptedIOException.class);
    assertThat(origin.requests).isEmpty();
  }

  @Test
  void aJoinerWithTimeLeftAsksItselfWhenTheLoaderFails() throws Exception {
    CountDownLatch fail = new CountDownLatch(1);
    origin.hook =
        (offset, length) -> {
          if (origin.requests.size() == 1) {
            try {
              fail.await();
            } catch (InterruptedException e) {
              throw new InterruptedIOException();
            }
            throw new IOException("the loader's own misfortune");
          }
        };
    Future<byte[]> loader = threads.submit(() -> read(source, 0, 500));
    until(() -> origin.requests.size() == 1);
    Future<byte[]> joiner = threads.submit(() -> read(source, 100, 500));
    joined(1);
    fail.countDown();
    assertThat(joiner.get()).isEqualTo(Arrays.copyOfRange(content, 100, 600));
    assertThatThrownBy(loader::get).hasMessageContaining("misfortune");
    assertThat(origin.requests).hasSize(2);
  }

  @Test
  void joinersOfAnOriginThatAlwaysFailsGiveUpAfterASecondFailure() throws Exception {
    CountDownLatch[] gate = {new CountDownLatch(1)};
    origin.hook =
        (offset, length) -> {
          try {
            gate[0].await();
            Thread.sleep(20); // lets the others join
          } catch (InterruptedException e) {
            throw new InterruptedIOException();
          }
          throw new IOException("gone for good");
        };
    List<Future<byte[]>> readers = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      readers.add(threads.submit(() -> read(source, 0, 500)));
    }
    joined(29);
    gate[0].countDown();
    for (Future<byte[]> reader : readers) {
      assertThatThrownBy(reader::get).hasMessageContaining("gone for good");
    }
    assertThat(origin.requests.size()).isLessThan(15); // not one after the other for each of 30
  }

  @Test
  void aDemandThatJoinsAPrefetchMovesItToTheFrontOfTheQueue() throws Exception {
    var scheduler = new SlotScheduler("host", new SlotScheduler.Limits(8, 1), Ticker.SYSTEM);
    CountingOrigin far = new CountingOrigin(content);
    CountDownLatch busy = new CountDownLatch(1);
    far.hook =
        (offset, length) -> {
          if (offset == 0) {
            try {
              busy.await();
            } catch (InterruptedException e) {
              throw new InterruptedIOException();
            }
          }
        };
    try (CachedSource queued = cache.source(digest(2), new ScheduledSource(far, scheduler))) {
      Future<?> blocking = threads.submit(() -> prefetch(queued, new Range(0, 1)));
      until(() -> scheduler.otherRunning() == 1);
      Future<?> waiting = threads.submit(() -> prefetch(queued, new Range(128 * KIB, 1)));
      until(() -> scheduler.queued() == 1);
      // The only slot is taken; who needs these bytes does not wait for it.
      assertThat(read(queued, 128 * KIB, 100))
          .isEqualTo(Arrays.copyOfRange(content, 128 * KIB, 128 * KIB + 100));
      waiting.get();
      assertThat(blocking.isDone()).isFalse();
      assertThat(cache.stats().snapshot().promotions()).isEqualTo(1);
      busy.countDown();
      blocking.get();
      assertThat(cache.stats().snapshot().aheadBytes()).isEqualTo(64 * KIB);
      assertThat(far.requests).hasSize(2);
    }
  }

  private static Object prefetch(CachedSource source, Range range) throws IOException {
    return as(
        Purpose.REPLAY,
        Deadline.NEVER,
        () -> {
          source.prefetch(range);
          return range;
        });
  }

  @Test
  void aListOfRangesPassesOverWhatOthersFetchAndASingleOneWaitsForIt() throws Exception {
    originWaits();
    Future<byte[]> loader = threads.submit(() -> read(source, 64 * KIB, 500));
    until(() -> origin.requests.size() == 1);
    assertThat(source.missing(List.of(new Range(64 * KIB, 10)))).isEmpty();
    source.prefetch(List.of(new Range(64 * KIB, 10)));
    Future<?> waits = threads.submit(() -> prefetch(source, new Range(64 * KIB, 10)));
    joined(1);
    assertThat(waits.isDone()).isFalse();
    answer.countDown();
    waits.get();
    loader.get();
    assertThat(origin.requests).hasSize(1);
  }

  @Test
  void readersThatRaceWithStoringNeverAskTwice() throws Exception {
    for (int round = 0; round < 50; round++) {
      origin.requests.clear();
      source.evict(0, content.length);
      List<Future<byte[]>> readers = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        readers.add(threads.submit(() -> readAll(source)));
      }
      for (Future<byte[]> reader : readers) {
        assertThat(Arrays.equals(reader.get(), content)).isTrue();
      }
      assertThat(origin.bytes()).as("round %d", round).isEqualTo(content.length);
    }
  }
}
