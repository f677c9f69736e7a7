package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.read;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.Range;
import dev.obd.io.Ticker;
import dev.obd.testdata.Processes;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheBoundTest {
  private static final int UNIT = 16 * KIB;

  @TempDir Path directory;

  private final byte[] content = content(1, 100 * UNIT);
  private final CountingOrigin origin = new CountingOrigin(content);

  private CacheConfig config(int units) {
    return CacheTests.small(directory).withUnit(UNIT).withCapacity((long) units * UNIT);
  }

  /** What the file really occupies, which the JDK cannot say. */
  private long allocated(int blob) throws IOException, InterruptedException {
    String blocks =
        Processes.run("stat", "-c", "%b", directory.resolve(digest(blob).value()).toString())
            .expectSuccess()
            .text();
    return Long.parseLong(blocks.strip()) * 512;
  }

  @Test
  void evictedUnitsGiveTheirSpaceBack() throws IOException, InterruptedException {
    try (BlobCache cache = CacheTests.open(config(10));
        CachedSource source = cache.source(digest(1), origin)) {
      for (int i = 0; i < 3; i++) {
        assertThat(readAll(source)).isEqualTo(content);
        assertThat(cache.usedBytes()).isEqualTo(10 * UNIT);
        assertThat(source.presentBytes()).isEqualTo(10 * UNIT);
        assertThat(allocated(1)).isBetween(1L, 10L * UNIT);
      }
      assertThat(cache.stats().snapshot().evictedUnits()).isEqualTo(290);
      assertThat(cache.stats().snapshot().unstoredUnits()).isZero();
    }
  }

  @Test
  void unitsThatAreReadAgainOutliveThoseReadOnce() throws IOException, InterruptedException {
    try (BlobCache cache = CacheTests.open(config(10));
        CachedSource source = cache.source(digest(1), origin)) {
      for (int cold = 5; cold < 100; cold++) {
        for (int hot = 0; hot < 5; hot++) {
          read(source, hot * UNIT, 1);
        }
        read(source, cold * UNIT, 1);
      }
      assertThat(origin.requests).hasSizeLessThan(110); // 100 first reads, and hardly any again
    }
  }

  @Test
  void withoutHolesTheBlobUnreadForLongestGoesAsAWhole() throws IOException, InterruptedException {
    try (BlobCache cache = BlobCache.open(config(10), Ticker.SYSTEM, HolePuncher.NONE);
        CachedSource first = cache.source(digest(1), origin);
        CachedSource second = cache.source(digest(2), new CountingOrigin(content));
        CachedSource third = cache.source(digest(3), new CountingOrigin(content))) {
      first.prefetch(new Range(0, 4 * UNIT));
      second.prefetch(new Range(0, 4 * UNIT));
      read(first, 0, 1);
      third.prefetch(new Range(0, 4 * UNIT));
      assertThat(second.presentBytes()).isZero();
      assertThat(allocated(2)).isZero();
      assertThat(first.presentBytes()).isEqualTo(4 * UNIT);
      assertThat(third.presentBytes()).isEqualTo(4 * UNIT);
      assertThat(readAll(second)).isEqualTo(content); // larger than the cache
      assertThat(cache.usedBytes()).isLessThanOrEqualTo(10 * UNIT);
      assertThat(readAll(first)).isEqualTo(content);
    }
  }

  @Test
  void nothingIsKeptInACacheSmallerThanAUnit() throws IOException, InterruptedException {
    try (BlobCache cache = CacheTests.open(config(1).withCapacity(UNIT - 1));
        CachedSource source = cache.source(digest(1), origin)) {
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(cache.usedBytes()).isZero();
      assertThat(cache.stats().snapshot().unstoredUnits()).isEqualTo(100);
    }
  }

  @Test
  void aSmallerCapacityAfterARestartIsKeptAtTheNextFetch()
      throws IOException, InterruptedException {
    try (BlobCache cache = CacheTests.open(config(50));
        CachedSource source = cache.source(digest(1), origin)) {
      source.prefetch(new Range(0, 50 * UNIT));
    }
    try (BlobCache cache = CacheTests.open(config(10));
        CachedSource source = cache.source(digest(1), origin)) {
      assertThat(cache.usedBytes()).isEqualTo(50 * UNIT);
      read(source, 99 * UNIT, 1);
      assertThat(cache.usedBytes()).isEqualTo(10 * UNIT);
      assertThat(allocated(1)).isLessThanOrEqualTo(10 * UNIT);
    }
  }

  @Test
  void aUnitThatIsBeingReadIsNotEvicted() {
    UnitStates states = new UnitStates(3);
    for (int unit = 0; unit < 3; unit++) {
      assertThat(states.begin(unit)).isZero();
      states.end(unit, UnitStates.stamped(UnitStates.PRESENT, 5));
    }
    long word = states.get(0);
    assertThat(states.pin(0)).isTrue();
    assertThat(states.take(0, word)).isFalse();
    assertThat(states.take(0, states.get(0))).isFalse();
    assertThat(states.take(1, word)).isTrue();
    assertThat(states.pin(1)).isFalse(); // going
    assertThat(states.begin(1)).isNegative();
    states.end(1, 0);
    assertThat(states.anyPinned()).isTrue();
    states.unpin(0, true, 6, 3);
    assertThat(states.anyPinned()).isFalse();
    assertThat(states.get(0)).as("the same use").isEqualTo(word);
    assertThat(states.pin(0)).isTrue();
    states.unpin(0, true, 8, 3);
    assertThat(UnitStates.isOld(states.get(0))).isTrue();
    assertThat(states.take(0, word)).as("used since it was chosen").isFalse();
  }

  @Test
  void freeSpaceIsLeftToOthers() throws IOException, InterruptedException {
    AtomicLong usable = new AtomicLong(1 << 30);
    CacheFiles files =
        new CacheFiles() {
          @Override
          public CacheFile open(Path path) throws IOException {
            return CacheFiles.DISK.open(path);
          }

          @Override
          public long usableBytes(Path path) {
            return usable.get();
          }
        };
    HolePuncher frees =
        (file, offset, length) -> {
          HolePuncher.system().punch(file, offset, length);
          usable.addAndGet(length);
        };
    CacheConfig config = config(100).withFreeReserve(5L * UNIT);
    try (BlobCache cache = BlobCache.open(config, Ticker.SYSTEM, frees, files);
        CachedSource source = cache.source(digest(1), origin)) {
      source.prefetch(new Range(0, 20 * UNIT));
      assertThat(cache.usedBytes()).isEqualTo(20 * UNIT);
      usable.set(5L * UNIT);
      read(source, 50 * UNIT, 1); // one goes for one that comes
      assertThat(cache.usedBytes()).isEqualTo(20 * UNIT);
      usable.set(-1000L * UNIT); // somebody else took it all: bounded work, no error
      assertThat(read(source, 60 * UNIT, 5))
          .isEqualTo(Arrays.copyOfRange(content, 60 * UNIT, 60 * UNIT + 5));
      assertThat(cache.usedBytes()).isEqualTo(4 * UNIT);
    }
  }

  @Test
  void unitsOfAnotherCacheInTheSameDirectoryAreSeenAndCounted()
      throws IOException, InterruptedException {
    try (BlobCache one = CacheTests.open(config(50));
        BlobCache two = CacheTests.open(config(50));
        CachedSource first = one.source(digest(1), origin);
        CachedSource second = two.source(digest(1), new CountingOrigin(content))) {
      first.prefetch(new Range(0, 20 * UNIT));
      origin.requests.clear();
      assertThat(two.usedBytes()).isZero();
      assertThat(readAll(second)).isEqualTo(content);
      assertThat(two.stats().snapshot().fetchedBytes()).isEqualTo(80 * UNIT);
      assertThat(two.usedBytes()).isEqualTo(50 * UNIT);
      assertThat(readAll(first)).isEqualTo(content);
      assertThat(allocated(1)).isLessThanOrEqualTo(54 * UNIT); // a sixteenth of slack
    }
  }

  @Test
  void spaceThatKilledWritersLeftIsFoundBeforeUnitsAreEvicted()
      throws IOException, InterruptedException {
    try (BlobCache cache = CacheTests.open(config(10));
        CachedSource source = cache.source(digest(1), origin)) {
      source.prefetch(new Range(0, 10 * UNIT));
    }
    try (RandomAccessFile data =
        new RandomAccessFile(directory.resolve(digest(1).value()).toFile(), "rw")) {
      data.seek(50 * UNIT);
      data.write(new byte[40 * UNIT]); // written, but killed before the records were
    }
    assertThat(allocated(1)).isGreaterThanOrEqualTo(50 * UNIT);
    try (BlobCache cache = CacheTests.open(config(10));
        CachedSource source = cache.source(digest(1), origin)) {
      read(source, 20 * UNIT, 1);
      assertThat(allocated(1)).isLessThanOrEqualTo(10 * UNIT);
      assertThat(cache.stats().snapshot().corruptUnits()).isZero();
    }
  }

  @Test
  void dataNobodyVouchesForIsDeletedBeforeAnythingIsEvicted()
      throws IOException, InterruptedException {
    Path orphan = directory.resolve(digest(7).value());
    Files.write(orphan, new byte[40 * UNIT]); // of another program's cache, or a killed removal
    try (BlobCache cache = CacheTests.open(config(10));
        CachedSource source = cache.source(digest(1), origin)) {
      source.prefetch(new Range(0, 10 * UNIT));
      assertThat(orphan).exists(); // room enough as yet
      read(source, 20 * UNIT, 1);
      assertThat(orphan).doesNotExist();
      assertThat(readAll(source)).isEqualTo(content);
    }
  }
}
