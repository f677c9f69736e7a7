package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.Eventually.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.Deadline;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Objects that somebody else fills: what the filler is asked, and what its readers see. */
@Timeout(60)
class CacheObjectTest {
  private static final int UNIT = 16 * KIB;

  @TempDir Path directory;

  private final byte[] content = content(1, 20 * UNIT + 777);
  private final List<Filler.Miss> asked = new CopyOnWriteArrayList<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private BlobCache cache;

  /** Brings what is best. */
  private final Filler obliging =
      (miss, object) -> {
        asked.add(miss);
        bring(object, miss.whole());
      };

  @BeforeEach
  void open() {
    cache = CacheTests.open(CacheTests.small(directory).withUnit(UNIT));
  }

  @AfterEach
  void close() throws IOException {
    threads.shutdownNow();
    cache.close();
  }

  private void bring(FillTarget object, Range range) throws IOException {
    object.write(
        range.offset(),
        ByteBuffer.wrap(content, (int) range.offset(), (int) range.length()).slice());
  }

  private CacheObject object(Filler filler) {
    return cache.object(digest(1), content.length, filler);
  }

  private byte[] read(CacheObject object, int offset, int length) throws IOException {
    byte[] got = new byte[length];
    object.read(offset, ByteBuffer.wrap(got));
    assertThat(Arrays.equals(got, 0, length, content, offset, offset + length))
        .as("%d bytes at %d", length, offset)
        .isTrue();
    return got;
  }

  @Test
  void whatWasWrittenBeforeAnybodyAskedIsReadWithoutAsking() throws IOException {
    try (CacheObject object = object(obliging)) {
      bring(object, new Range(0, content.length));
      read(object, 0, content.length);
      read(object, 5, 5);
    }
    try (CacheObject again = object(obliging)) {
      read(again, 0, content.length);
    }
    assertThat(asked).isEmpty();
    assertThat(cache.stats().snapshot().hitBytes()).isEqualTo(2 * content.length + 5);
  }

  @Test
  void aFillerWritesAsSoonAsTheObjectIsOpen() throws IOException {
    var filler =
        new Filler() {
          final List<String> told = new ArrayList<>();

          @Override
          public void opened(FillTarget object) {
            told.add("opened " + object.size());
            try {
              bring(object, new Range(UNIT, 2 * UNIT));
            } catch (IOException e) {
              throw new AssertionError(e);
            }
          }

          @Override
          public void closed(FillTarget object) {
            told.add("closed");
          }

          @Override
          public void fill(Miss miss, FillTarget object) {
            throw new AssertionError("nobody misses " + miss);
          }
        };
    CacheObject object = object(filler);
    read(object, UNIT, 2 * UNIT);
    object.close();
    object.close();
    assertThat(filler.told).containsExactly("opened " + content.length, "closed");
    assertThatThrownBy(() -> object.write(0, ByteBuffer.allocate(1)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void aFillerIsToldWhatIsWantedAndWhatIsBest() throws IOException {
    try (CacheObject object = object(obliging)) {
      read(object, UNIT + 100, 50);
      read(object, 20 * UNIT + 700, 77);
    }
    assertThat(asked)
        .containsExactly(
            new Filler.Miss(new Range(UNIT + 100, 50), new Range(UNIT, UNIT)),
            new Filler.Miss(new Range(20 * UNIT + 700, 77), new Range(20 * UNIT, 777)));
  }

  @Test
  void aFillerMayBringNoMoreThanIsWantedAndIsAskedForTheRest() throws IOException {
    Filler frugal =
        (miss, object) -> {
          asked.add(miss);
          bring(object, miss.wanted());
        };
    try (CacheObject object = object(frugal)) {
      read(object, 10, 20);
      read(object, 12, 5); // in memory
      assertThat(asked).hasSize(1);
      assertThat(object.presentBytes()).isZero();
      read(object, 0, 10);
      read(object, 30, UNIT - 30);
      assertThat(asked).hasSize(3);
      assertThat(object.presentBytes()).as("now it is whole").isEqualTo(UNIT);
    }
    try (CacheObject object = object(frugal)) {
      read(object, 0, UNIT);
    }
    assertThat(asked).hasSize(3);
  }

  @Test
  void aFillerMayBringMoreThanItWasAsked() throws IOException {
    Filler generous =
        (miss, object) -> {
          asked.add(miss);
          bring(object, new Range(0, 18 * UNIT + 5));
        };
    try (CacheObject object = object(generous)) {
      read(object, 4096, 4096);
      read(object, 0, 18 * UNIT + 5);
      assertThat(asked).hasSize(1);
      assertThat(object.presentBytes()).isEqualTo(18 * UNIT);
    }
  }

  @Test
  void aFillerThatIsDoneWithoutWritingIsAskedAgainAndNothingElseIsRead() throws IOException {
    Filler forgetful =
        (miss, object) -> {
          asked.add(miss);
          if (asked.size() == 3) {
            bring(object, miss.wanted());
          }
        };
    try (CacheObject object = object(forgetful)) {
      read(object, 100, 100);
      assertThat(asked).hasSize(3);
    }
    Filler idle = (miss, object) -> asked.add(miss);
    try (CacheObject object = object(idle)) {
      asked.clear();
      assertThatThrownBy(() -> read(object, 3 * UNIT, 1))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("8 times without bringing the bytes");
      assertThat(asked).hasSize(8);
    }
  }

  @Test
  void bytesOutsideTheObjectAreRefused() throws IOException {
    try (CacheObject object = object(obliging)) {
      assertThatThrownBy(() -> object.write(content.length - 1, ByteBuffer.allocate(2)))
          .isInstanceOf(EOFException.class);
      assertThatThrownBy(() -> object.write(-1, ByteBuffer.allocate(2)))
          .isInstanceOf(EOFException.class);
      assertThatThrownBy(() -> object.read(content.length, ByteBuffer.allocate(1)))
          .isInstanceOf(EOFException.class);
    }
  }

  @Test
  void aReaderWhoWaitsGoesOnWhenSomebodyElseWritesWhatItMisses() throws Exception {
    var waiting = new LinkedBlockingQueue<Filler.Miss>();
    Filler slow =
        (miss, object) -> {
          waiting.add(miss);
          try {
            Thread.sleep(Duration.ofDays(1));
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
        };
    try (CacheObject object = object(slow)) {
      Future<byte[]> first = threads.submit(() -> read(object, 0, 10));
      waiting.take();
      Future<byte[]> second = threads.submit(() -> read(object, 100, 10));
      until(() -> cache.stats().snapshot().joins() == 1);
      assertThat(second.isDone()).isFalse();
      bring(object, new Range(0, 5 * UNIT));
      second.get();
      assertThat(first.isDone()).as("its own filler is not done").isFalse();
      read(object, UNIT, 4 * UNIT);
      threads.shutdownNow(); // the first reader's filler gives up, and the bytes are here
      first.get();
    }
  }

  @Test
  void whatADeadFillerWasAskedIsAskedOfTheNextOne() throws Exception {
    var replaceable = new ReplaceableFiller(Duration.ofSeconds(50), Ticker.SYSTEM);
    var orders = new LinkedBlockingQueue<Filler.Miss>();
    Filler dying =
        (miss, object) -> {
          orders.add(miss);
          throw new FillerGoneException("killed");
        };
    try (CacheObject object = object(replaceable)) {
      List<Future<byte[]>> readers = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        int at = i * UNIT;
        readers.add(threads.submit(() -> read(object, at, 100)));
      }
      assertThat(orders).isEmpty();
      replaceable.replace(dying);
      assertThat(orders.poll(20, TimeUnit.SECONDS)).isNotNull();
      assertThat(readers).noneMatch(Future::isDone);
      replaceable.replace(obliging);
      for (Future<byte[]> reader : readers) {
        reader.get();
      }
      assertThat(asked).hasSize(10);
    }
  }

  @Test
  void withoutAFillerAReadEndsWithItsDeadline() throws IOException {
    var nobody = new ReplaceableFiller(Duration.ofHours(1), Ticker.SYSTEM);
    try (CacheObject object = object(nobody)) {
      var soon =
          new ReadContext(Purpose.DEMAND, Deadline.after(Ticker.SYSTEM, Duration.ofMillis(50)));
      assertThatThrownBy(() -> soon.run(() -> read(object, 0, 1)))
          .isInstanceOf(FillerGoneException.class);
    }
  }

  @Test
  void thousandsOfPartsOfUnitsTakeBoundedMemory() throws IOException {
    int unit = 4 << 20;
    Path here = directory.resolve("large");
    try (BlobCache large = CacheTests.open(CacheTests.small(here).withUnit(unit))) {
      List<CacheObject> objects = new ArrayList<>();
      for (int i = 0; i < 50; i++) { // of which each would hold 40 MiB
        CacheObject object = large.object(digest(i), 10L * unit, obliging);
        for (int u = 0; u < 10; u++) {
          object.write((long) u * unit + 10, ByteBuffer.allocate(10));
        }
        objects.add(object);
      }
      assertThat(large.draftBytes()).isBetween(1L, 32L << 20);
      for (CacheObject object : objects) {
        object.close();
      }
      assertThat(large.draftBytes()).isZero();
    }
  }

  /** Fillers that write anything at any time, on any thread, against the plain bytes. */
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void whateverFillersWriteWheneverReadersSeeTheObject(long seed) throws Exception {
    var failures = new ConcurrentLinkedQueue<Throwable>();
    CacheConfig tight = CacheTests.small(directory.resolve("t")).withUnit(UNIT);
    try (BlobCache small = CacheTests.open(tight.withCapacity(8 * UNIT))) {
      Filler erratic =
          (miss, object) -> {
            var random = new SplittableRandom(seed ^ miss.hashCode() ^ System.nanoTime());
            switch (random.nextInt(5)) {
              case 0 -> {}
              case 1 -> bring(object, miss.wanted());
              case 2 -> bring(object, random(random));
              case 3 -> {
                Range whole = miss.whole();
                long cut = random.nextLong(whole.length() + 1);
                bring(object, new Range(whole.offset() + cut, whole.length() - cut));
                bring(object, new Range(whole.offset(), cut));
              }
              default -> bring(object, miss.whole());
            }
          };
      try (ExecutorService pool = Executors.newFixedThreadPool(6)) {
        for (int t = 0; t < 6; t++) {
          var random = new SplittableRandom(seed * 7 + t);
          boolean writes = t < 2;
          pool.execute(() -> {
            try (CacheObject object = small.object(digest(1), content.length, erratic)) {
              for (int i = 0; i < 300; i++) {
                Range range = random(random);
                if (writes) {
                  bring(object, range);
                } else if (random.nextInt(20) == 0) {
                  object.evict(range);
                } else {
                  try {
                    read(object, (int) range.offset(), (int) range.length());
                  } catch (IOException e) {
                    if (!String.valueOf(e.getMessage()).contains("without bringing")) {
                      throw e;
                    }
                  }
                }
              }
            } catch (Throwable e) {
              failures.add(e);
            }
          });
        }
      }
      assertThat(failures).as("seed %d", seed).isEmpty();
      assertThat(small.usedBytes()).isLessThanOrEqualTo(8 * UNIT);
      // Nothing was counted twice or forgotten on the way.
      assertThat(small.oldBytes()).isBetween(0L, small.usedBytes());
      try (BlobCache fresh = CacheTests.open(tight.withCapacity(8 * UNIT))) {
        assertThat(small.usedBytes()).isEqualTo(fresh.usedBytes());
      }
      small.entries().forEach(entry -> small.remove(entry.digest()));
      assertThat(small.usedBytes()).isZero();
      assertThat(small.oldBytes()).isZero();
    }
  }

  private Range random(SplittableRandom random) {
    long from = random.nextInt(content.length);
    return new Range(from, Math.min(content.length - from, random.nextInt(1, 3 * UNIT)));
  }
}
