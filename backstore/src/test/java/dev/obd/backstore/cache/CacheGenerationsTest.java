package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.read;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.Deadline;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes first. */
class CacheGenerationsTest {
  private static final int UNIT = 4 * KIB;

  @TempDir Path directory;

  private final byte[] content = content(1, 1000 * UNIT);
  private final CountingOrigin origin = new CountingOrigin(content);

  private CacheConfig config(int units) {
    return CacheTests.small(directory).withCapacity((long) units * UNIT);
  }

  private static boolean has(CachedSource source, long unit) {
    return source.isPresent(new Range(unit * UNIT, 1));
  }

  private void touch(CachedSource source, int from, int to) throws IOException {
    for (int unit = from; unit < to; unit++) {
      read(source, (long) unit * UNIT, 1);
    }
  }

  @Test
  void aScanOfTenTimesTheCachePushesOutNothingThatWasReadTwice() throws IOException {
    try (BlobCache cache = CacheTests.open(config(100));
        CachedSource source = cache.source(digest(1), origin)) {
      touch(source, 0, 75);
      touch(source, 100, 120);
      touch(source, 0, 75);
      for (int at = 200 * UNIT; at < 1000 * UNIT; at += 512) { // in small reads
        assertThat(read(source, at, 512)).isEqualTo(Arrays.copyOfRange(content, at, at + 512));
      }
      origin.requests.clear();
      touch(source, 0, 75);
      assertThat(origin.requests).isEmpty();
      assertThat(cache.usedBytes()).isEqualTo(100 * UNIT);
    }
  }

  @Test
  void whatWasHotLongAgoGivesWayToWhatIsHotNow() throws IOException {
    try (BlobCache cache = CacheTests.open(config(100));
        CachedSource source = cache.source(digest(1), origin)) {
      touch(source, 0, 75);
      touch(source, 100, 120);
      touch(source, 0, 75);
      for (int round = 0; round < 3; round++) {
        touch(source, 500, 590); // larger than the share of the young
      }
      origin.requests.clear();
      touch(source, 500, 590);
      assertThat(origin.requests).hasSizeLessThan(20);
    }
  }

  @Test
  void aPinnedBlobStaysAndTheBoundHoldsAlsoAfterARestart() throws IOException {
    try (BlobCache cache = CacheTests.open(config(10));
        CachedSource pinned = cache.source(digest(1), origin);
        CachedSource other = cache.source(digest(2), new CountingOrigin(content))) {
      cache.keep(digest(1));
      touch(pinned, 0, 4);
      readAll(other);
      assertThat(pinned.presentBytes()).isEqualTo(4 * UNIT);
      assertThat(cache.usedBytes()).isEqualTo(10 * UNIT);
    }
    try (BlobCache cache = CacheTests.open(config(10));
        CachedSource pinned = cache.source(digest(1), origin);
        CachedSource other = cache.source(digest(2), new CountingOrigin(content))) {
      readAll(other);
      assertThat(pinned.presentBytes()).isEqualTo(4 * UNIT);
      assertThat(readAll(pinned)).isEqualTo(content);
      assertThat(pinned.presentBytes()).as("all there is").isEqualTo(10 * UNIT);
      assertThat(readAll(other)).isEqualTo(content);
      assertThat(cache.usedBytes()).isEqualTo(10 * UNIT);
      assertThat(cache.unkeep(digest(1))).isTrue();
      assertThat(cache.unkeep(digest(1))).isFalse();
      readAll(other);
      assertThat(pinned.presentBytes()).isLessThan(10 * UNIT);
    }
  }

  /** The same rules on one list of units, in the obvious way. */
  private static final class Model {
    private record Unit(int blob, int number) {}

    private record Entry(Unit unit, boolean old, boolean ahead, long used) {}

    private final int capacity;
    private final Map<Unit, Entry> present = new HashMap<>();
    private final Map<Unit, Long> gone = new HashMap<>();
    private long now = 1;

    Model(int capacity) {
      this.capacity = capacity;
    }

    void read(Unit unit) {
      Entry e = present.get(unit);
      if (e == null) {
        bring(unit, false);
      } else if (e.ahead) {
        present.put(unit, new Entry(unit, e.old, false, now));
      } else if (e.old || now - e.used >= Math.max(1, capacity / 64)) {
        present.put(unit, new Entry(unit, true, false, now));
      }
    }

    void prefetch(Unit unit) {
      if (!present.containsKey(unit)) {
        bring(unit, true);
      }
    }

    private void bring(Unit unit, boolean ahead) {
      while (present.size() + 1 > capacity) {
        long old = present.values().stream().filter(Entry::old).count();
        boolean takeOld = present.size() - old < capacity / 4;
        Entry victim =
            present.values().stream()
                .filter(e -> e.old == takeOld)
                .min(
                    Comparator.comparingLong(Entry::used)
                        .thenComparing(e -> e.unit.blob)
                        .thenComparing(e -> e.unit.number))
                .orElseThrow();
        present.remove(victim.unit);
        gone.put(victim.unit, victim.used);
      }
      boolean back = !ahead && gone.containsKey(unit) && now - gone.get(unit) <= capacity;
      gone.remove(unit);
      now++;
      present.put(unit, new Entry(unit, back, ahead, now));
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void theUnitUsedLongestAgoOfItsGenerationGoesFirst(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    int capacity = 4 * random.nextInt(4, 60);
    int units = 200;
    var model = new Model(capacity);
    try (BlobCache cache = CacheTests.open(config(capacity))) {
      List<CachedSource> sources = new ArrayList<>();
      for (int blob = 0; blob < 2; blob++) {
        sources.add(cache.source(digest(blob), new CountingOrigin(content)));
      }
      int last = 0;
      for (int step = 0; step < 3000; step++) {
        int blob = random.nextInt(2);
        int number =
            switch (random.nextInt(4)) {
              case 0 -> random.nextInt(20); // hot
              case 1 -> random.nextInt(units);
              default -> last = (last + 1) % units; // a scan
            };
        var unit = new Model.Unit(blob, number);
        if (random.nextInt(5) == 0) {
          model.prefetch(unit);
          CachedSource ahead = sources.get(blob);
          new ReadContext(ReadContext.Purpose.REPLAY, Deadline.NEVER)
              .run(() -> {
                ahead.prefetch(new Range((long) number * UNIT, UNIT));
                return unit;
              });
        } else {
          model.read(unit);
          read(sources.get(blob), (long) number * UNIT + random.nextInt(UNIT), 1);
        }
        if (step % 20 == 0) {
          for (int b = 0; b < 2; b++) {
            for (int u = 0; u < units; u++) {
              assertThat(has(sources.get(b), u))
                  .as("seed %d step %d capacity %d: unit %d of %d", seed, step, capacity, u, b)
                  .isEqualTo(model.present.containsKey(new Model.Unit(b, u)));
            }
          }
        }
      }
      assertThat(cache.stats().snapshot().evictedUnits()).isGreaterThan(100);
      for (CachedSource source : sources) {
        source.close();
      }
    }
  }
}
