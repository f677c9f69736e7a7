package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.read;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.Deadline;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CachedSourceTest {
  @TempDir Path directory;

  private final byte[] content = content(1, 300 * KIB + 123);
  private final CountingOrigin origin = new CountingOrigin(content);

  private CacheConfig units(int kib) {
    return CacheConfig.in(directory).withFreeReserve(0).withUnit(kib * KIB);
  }

  @Test
  void aMissFetchesWholeUnitsAndOnlyThoseAsked() throws IOException {
    try (BlobCache cache = CacheTests.open(units(64));
        CachedSource source = cache.source(digest(1), origin)) {
      assertThat(read(source, 70 * KIB, 10))
          .isEqualTo(Arrays.copyOfRange(content, 70 * KIB, 70 * KIB + 10));
      assertThat(origin.requests).containsExactly(new Range(64 * KIB, 64 * KIB));
      assertThat(source.presentBytes()).isEqualTo(64 * KIB);
      assertThat(source.isPresent(new Range(64 * KIB, 64 * KIB))).isTrue();
      assertThat(source.isPresent(new Range(64 * KIB, 64 * KIB + 1))).isFalse();
    }
  }

  @Test
  void aReaderGetsTheWindowAroundWhatItMissesAsFarAsThatIsNotHereAndAPrefetchWhatItAsksFor()
      throws IOException {
    CacheConfig windows = CacheConfig.in(directory).withFreeReserve(0);
    assertThat(windows.unitBytes()).isEqualTo(16 * KIB);
    assertThat(windows.refillBytes()).isEqualTo(64 * KIB);
    try (BlobCache cache = CacheTests.open(windows);
        CachedSource source = cache.source(digest(1), origin)) {
      source.prefetch(new Range(100 * KIB, 1));
      assertThat(origin.requests).containsExactly(new Range(96 * KIB, 16 * KIB));
      origin.requests.clear();
      read(source, 40 * KIB, 1); // nothing of the window is here
      read(source, 120 * KIB, 1); // the unit before is
      read(source, 70 * KIB, 1); // what is left of that window
      read(source, 190 * KIB, 4 * KIB); // two windows
      assertThat(origin.requests)
          .containsExactly(
              new Range(0, 64 * KIB),
              new Range(112 * KIB, 16 * KIB),
              new Range(64 * KIB, 32 * KIB),
              new Range(128 * KIB, 128 * KIB));
      origin.requests.clear();
      read(source, content.length - 1, 1);
      int last = content.length / (64 * KIB) * 64 * KIB;
      assertThat(origin.requests).containsExactly(new Range(last, content.length - last));
      assertThat(readAll(source)).isEqualTo(content);
    }
    try (BlobCache cache = CacheTests.open(windows.withRefill(4 * KIB))) {
      assertThat(cache.usedBytes()).isEqualTo(content.length);
    }
    assertThat(windows.withRefill(4 * KIB).unitBytes()).isEqualTo(4 * KIB);
    assertThat(windows.withRefill(256 * KIB).unitBytes()).isEqualTo(16 * KIB);
  }

  @Test
  void neighbouringMissingUnitsAreOneRequestUpToItsLimit() throws IOException {
    try (BlobCache cache = CacheTests.open(units(4).withRequests(64 * KIB, 0));
        CachedSource source = cache.source(digest(1), origin)) {
      read(source, 8 * KIB, 1); // present in the middle of what follows
      origin.requests.clear();
      assertThat(read(source, 1, 100 * KIB))
          .isEqualTo(Arrays.copyOfRange(content, 1, 100 * KIB + 1));
      assertThat(origin.requests)
          .containsExactly(
              new Range(0, 8 * KIB), new Range(12 * KIB, 64 * KIB), new Range(76 * KIB, 28 * KIB));
      origin.requests.clear();
      read(source, 1, 100 * KIB);
      assertThat(origin.requests).isEmpty();
    }
  }

  @Test
  void whoReadsOnceUsesWhatIsThereAndKeepsNothing() throws IOException {
    try (BlobCache cache = CacheTests.open(units(4).withRequests(64 * KIB, 0))) {
      try (CachedSource source = cache.source(digest(1), origin)) {
        read(source, 8 * KIB, 1);
      }
      origin.requests.clear();
      try (CachedSource source = cache.source(digest(1), origin, false)) {
        assertThat(read(source, 1, 100 * KIB))
            .isEqualTo(Arrays.copyOfRange(content, 1, 100 * KIB + 1));
        assertThat(origin.requests)
            .containsExactly(
                new Range(1, 8 * KIB - 1),
                new Range(12 * KIB, 64 * KIB),
                new Range(76 * KIB, 24 * KIB + 1));
        assertThat(readAll(source)).isEqualTo(content);
        origin.requests.clear();
        source.prefetch(new Range(0, content.length));
        assertThat(origin.requests).isEmpty();
        assertThat(source.presentBytes()).isEqualTo(4 * KIB);
      }
    }
  }

  @Test
  void theLastUnitEndsWithTheBlob() throws IOException {
    try (BlobCache cache = CacheTests.open(units(64));
        CachedSource source = cache.source(digest(1), origin)) {
      for (int i = 0; i < 2; i++) {
        assertThat(readAll(source)).isEqualTo(content);
      }
      assertThat(origin.bytes()).isEqualTo(content.length);
      assertThat(source.presentBytes()).isEqualTo(content.length);
      assertThat(cache.usedBytes()).isEqualTo(content.length);
    }
  }

  @Test
  void filesHaveTheNamesAndOffsetsOfOverlaybdsCache() throws IOException {
    try (BlobCache cache = CacheTests.open(units(64));
        CachedSource source = cache.source(digest(7), origin)) {
      read(source, 200 * KIB, 1);
    }
    Path data = directory.resolve(digest(7).value());
    assertThat(Files.size(data)).isEqualTo(content.length);
    byte[] raw = Files.readAllBytes(data);
    assertThat(Arrays.copyOfRange(raw, 192 * KIB, 256 * KIB))
        .isEqualTo(Arrays.copyOfRange(content, 192 * KIB, 256 * KIB));
    assertThat(Arrays.copyOf(raw, 192 * KIB)).containsOnly(0);
    assertThat(directory.resolve(digest(7).value() + ".map")).exists();
  }

  @Test
  void whatWasFetchedIsThereAfterARestart() throws IOException {
    try (BlobCache cache = CacheTests.open(units(64));
        CachedSource source = cache.source(digest(1), origin)) {
      readAll(source);
    }
    CountingOrigin later = new CountingOrigin(content);
    // Another unit size is configured: the files keep theirs.
    try (BlobCache cache = CacheTests.open(units(16))) {
      assertThat(cache.usedBytes()).isEqualTo(content.length);
      assertThat(cache.entries())
          .singleElement()
          .satisfies(entry -> {
            assertThat(entry.digest()).isEqualTo(digest(1));
            assertThat(entry.blobBytes()).isEqualTo(content.length);
            assertThat(entry.presentBytes()).isEqualTo(content.length);
            assertThat(entry.from()).isEqualTo("origin");
            assertThat(entry.isInUse()).isFalse();
            assertThat(entry.kept()).isFalse();
          });
      try (CachedSource source = cache.source(digest(1), later)) {
        assertThat(source.unitBytes()).isEqualTo(64 * KIB);
        assertThat(readAll(source)).isEqualTo(content);
        assertThat(later.requests).isEmpty();
      }
    }
    assertThat(later.closed).isTrue();
  }

  @Test
  void anotherSizeUnderTheSameDigestStartsAnew() throws IOException {
    try (BlobCache cache = CacheTests.open(units(64))) {
      try (CachedSource source = cache.source(digest(1), origin)) {
        readAll(source);
        byte[] shorter = Arrays.copyOf(content, 100 * KIB);
        try (CachedSource liar = cache.source(digest(1), new CountingOrigin(shorter))) {
          assertThat(readAll(liar)).isEqualTo(shorter); // served, not kept
        }
        origin.requests.clear();
        assertThat(readAll(source)).isEqualTo(content);
        assertThat(origin.requests).isEmpty();
      }
      byte[] shorter = content(2, 100 * KIB);
      try (CachedSource other = cache.source(digest(1), new CountingOrigin(shorter))) {
        assertThat(readAll(other)).isEqualTo(shorter);
        assertThat(readAll(other)).isEqualTo(shorter);
      }
      assertThat(cache.usedBytes()).isEqualTo(shorter.length);
    }
  }

  @Test
  void aBlobCanBeRemovedWhenNobodyHasItOpen() throws IOException {
    try (BlobCache cache = CacheTests.open(units(64))) {
      try (CachedSource source = cache.source(digest(1), origin)) {
        readAll(source);
        assertThat(cache.remove(digest(1))).isEqualTo(BlobCache.Removal.IN_USE);
      }
      assertThat(cache.remove(digest(1))).isEqualTo(BlobCache.Removal.REMOVED);
      assertThat(cache.remove(digest(1))).isEqualTo(BlobCache.Removal.ABSENT);
      assertThat(cache.usedBytes()).isZero();
      assertThat(directory.toFile().list()).containsExactlyInAnyOrder(".lock", ".users");
    }
  }

  @Test
  void evictMakesTheNextReadAskTheOrigin() throws IOException {
    try (BlobCache cache = CacheTests.open(units(64));
        CachedSource source = cache.source(digest(1), origin)) {
      readAll(source);
      origin.requests.clear();
      assertThat(source.evict(64 * KIB + 5, 1)).isTrue();
      assertThat(source.isPresent(new Range(64 * KIB, 1))).isFalse();
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(origin.requests).containsExactly(new Range(64 * KIB, 64 * KIB));
      assertThat(source.evict(0, Long.MAX_VALUE)).isTrue();
      assertThat(cache.usedBytes()).isZero();
    }
  }

  @Test
  void evictDuringAFetchKeepsItsBytesOutOfTheCache() throws IOException {
    try (BlobCache cache = CacheTests.open(units(64));
        CachedSource source = cache.source(digest(1), origin)) {
      origin.hook = (offset, length) -> source.evict(0, 10); // as a reader of this same fetch would
      read(source, 0, 10);
      assertThat(source.isPresent(new Range(0, 1))).isFalse();
      assertThat(cache.usedBytes()).isZero();
    }
  }

  @Test
  void aFailedFetchIsTheReadersErrorAndLeavesNothing() throws IOException {
    try (BlobCache cache = CacheTests.open(units(64));
        CachedSource source = cache.source(digest(1), origin)) {
      origin.hook =
          (offset, length) -> {
            throw new IOException("no route");
          };
      assertThatThrownBy(() -> read(source, 0, 1))
          .isInstanceOf(IOException.class)
          .hasMessage("no route");
      origin.hook = (offset, length) -> {};
      assertThat(readAll(source)).isEqualTo(content);
    }
  }

  @Test
  void prefetchMergesAcrossSmallGapsAndSkipsWhatIsThere() throws IOException {
    try (BlobCache cache = CacheTests.open(units(4).withRequests(32 * KIB, 8 * KIB));
        CachedSource source = cache.source(digest(1), origin)) {
      read(source, 100 * KIB, 4 * KIB);
      origin.requests.clear();
      List<Range> wanted =
          List.of(
              new Range(200 * KIB, 1), // first touch first
              new Range(0, 5),
              new Range(12 * KIB, 1), // two units of gap
              new Range(28 * KIB, 1), // three units of gap
              new Range(100 * KIB, 10), // present
              new Range(0, 1),
              new Range(1 << 30, 10)); // outside
      List<Range> expected =
          List.of(
              new Range(200 * KIB, 4 * KIB), new Range(0, 16 * KIB), new Range(28 * KIB, 4 * KIB));
      assertThat(source.missing(wanted)).isEqualTo(expected);
      new ReadContext(Purpose.REPLAY, Deadline.NEVER)
          .run(() -> {
            source.prefetch(wanted);
            return true;
          });
      assertThat(origin.requests).isEqualTo(expected);
      assertThat(source.missing(wanted)).isEmpty();
      var stats = cache.stats().snapshot();
      assertThat(stats.aheadRequests()).isEqualTo(3);
      assertThat(stats.aheadBytes()).isEqualTo(24 * KIB);
      assertThat(stats.aheadUsedBytes()).isZero();
      origin.requests.clear();
      assertThat(read(source, 0, 5000)).isEqualTo(Arrays.copyOf(content, 5000));
      read(source, 0, 5000);
      assertThat(origin.requests).isEmpty();
      assertThat(cache.stats().snapshot().aheadUsedBytes()).isEqualTo(8 * KIB);
    }
  }

  @Test
  void aLongRangeIsPrefetchedInRequestsOfTheLimit() throws IOException {
    try (BlobCache cache = CacheTests.open(units(16).withRequests(64 * KIB, 0));
        CachedSource source = cache.source(digest(1), origin)) {
      source.prefetch(new Range(10, 10L << 30));
      assertThat(origin.requests).hasSize(5);
      assertThat(origin.bytes()).isEqualTo(content.length);
      assertThat(source.isPresent(new Range(0, content.length))).isTrue();
    }
  }

  @Test
  void anInterruptedReaderLeavesTheFilesToTheOthers() throws IOException, InterruptedException {
    try (BlobCache cache = CacheTests.open(units(64));
        CachedSource source = cache.source(digest(1), origin)) {
      readAll(source);
      Thread interrupted =
          Thread.ofPlatform()
              .start(() -> {
                Thread.currentThread().interrupt();
                try {
                  readAll(source);
                } catch (IOException e) {
                  // its own affair
                }
              });
      interrupted.join();
      origin.requests.clear();
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(origin.requests).isEmpty();
    }
  }

  /** Random reads, evictions, damage and restarts against the obvious model: the content. */
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void whateverHappensToTheFilesReadsAreRight(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    int unit = 4 * KIB << random.nextInt(4);
    CacheConfig config =
        units(4)
            .withUnit(unit)
            .withRequests(unit * random.nextInt(1, 9), unit)
            .withCapacity(random.nextBoolean() ? 1 << 30 : (long) unit * random.nextInt(1, 30));
    HolePuncher puncher = random.nextBoolean() ? HolePuncher.system() : HolePuncher.NONE;
    List<byte[]> blobs = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      blobs.add(content(seed + i, random.nextInt(1, 400 * KIB)));
    }
    for (int restart = 0; restart < 6; restart++) {
      try (BlobCache cache = BlobCache.open(config, Ticker.SYSTEM, puncher)) {
        List<CachedSource> sources = new ArrayList<>();
        for (int i = 0; i < blobs.size(); i++) {
          sources.add(cache.source(digest(i), new CountingOrigin(blobs.get(i))));
        }
        for (int step = 0; step < 150; step++) {
          int which = random.nextInt(blobs.size());
          step(random, sources.get(which), blobs.get(which), which);
          assertThat(cache.usedBytes()).isBetween(0L, config.capacityBytes());
        }
        for (CachedSource source : sources) {
          source.close();
        }
        long present = cache.entries().stream().mapToLong(BlobCache.Entry::presentBytes).sum();
        assertThat(cache.usedBytes()).isEqualTo(present);
      }
    }
  }

  private void step(SplittableRandom random, CachedSource source, byte[] blob, int which)
      throws IOException {
    int from = random.nextInt(blob.length);
    int length = random.nextInt(1, Math.min(blob.length - from, 60 * KIB) + 1);
    switch (random.nextInt(12)) {
      case 0 -> source.evict(from, length);
      case 1 -> source.prefetch(new Range(from, length));
      case 2 -> source.prefetch(List.of(new Range(from, length), new Range(0, 1)));
      case 3 -> damage(random, directory.resolve(digest(which).value()));
      case 4 -> damage(random, directory.resolve(digest(which).value() + ".map"));
      default -> {
        ByteBuffer dst =
            random.nextBoolean() ? ByteBuffer.allocate(length) : ByteBuffer.allocateDirect(length);
        source.read(from, dst);
        byte[] got = new byte[length];
        dst.flip().get(got);
        assertThat(got)
            .as("%d bytes at %d", length, from)
            .isEqualTo(Arrays.copyOfRange(blob, from, from + length));
      }
    }
  }

  private static void damage(SplittableRandom random, Path file) throws IOException {
    try (var raw = new java.io.RandomAccessFile(file.toFile(), "rw")) {
      if (raw.length() == 0) {
        return;
      }
      raw.seek(random.nextLong(raw.length()));
      byte[] junk = new byte[random.nextInt(1, 6000)];
      random.nextBytes(junk);
      switch (random.nextInt(4)) {
        case 0 -> raw.setLength(random.nextLong(raw.length()));
        case 1 -> raw.write(new byte[junk.length]);
        case 2 -> raw.write(junk[0]);
        default -> raw.write(junk);
      }
    }
  }

  /** Reads of 8 KiB at the start, far in, and just before what is here: bytes on the wire. */
  private List<Range> requestsWith(int expand) throws IOException {
    CacheConfig config = CacheTests.small(directory.resolve("x" + expand)).withExpand(expand);
    var far = new CountingOrigin(content(1, 1 << 20));
    try (BlobCache cache = CacheTests.open(config);
        CachedSource source = cache.source(digest(1), far)) {
      read(source, 0, 8 * KIB);
      read(source, 500 * KIB, 8 * KIB);
      read(source, 484 * KIB, 8 * KIB); // 16 KiB before what is here
      read(source, 1016 * KIB, 8 * KIB); // the end
      assertThat(cache.stats().snapshot().fetchedBytes()).isEqualTo(far.bytes());
      assertThat(cache.stats().snapshot().aheadBytes()).isEqualTo(far.bytes() - 4 * 8 * KIB);
      source.prefetch(new Range(100 * KIB, 4 * KIB)); // nobody missed it
    }
    return far.requests;
  }

  @Test
  void aMissFetchesAsManyTimesWhatIsMissedAsConfigured() throws IOException {
    assertThat(requestsWith(1))
        .containsExactlyElementsOf(kibs(0, 8, 500, 8, 484, 8, 1016, 8, 100, 4));
    assertThat(requestsWith(2))
        .containsExactlyElementsOf(kibs(0, 16, 500, 16, 484, 16, 1016, 8, 100, 4));
    assertThat(requestsWith(4))
        .containsExactlyElementsOf(kibs(0, 32, 500, 32, 484, 16, 1016, 8, 100, 4));
    assertThat(requestsWith(1024))
        .as("a request has its limit")
        .containsExactlyElementsOf(kibs(0, 64, 500, 64, 484, 16, 1016, 8, 100, 4));
  }

  private static List<Range> kibs(long... offsetsAndLengths) {
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < offsetsAndLengths.length; i += 2) {
      ranges.add(new Range(offsetsAndLengths[i] * KIB, offsetsAndLengths[i + 1] * KIB));
    }
    return ranges;
  }

  @Test
  void whatComesAlongIsReadWithoutAnotherRequestAndCountsAsUsed() throws IOException {
    CacheConfig config = CacheTests.small(directory.resolve("along")).withExpand(4);
    var far = new CountingOrigin(content(1, 1 << 20));
    try (BlobCache cache = CacheTests.open(config);
        CachedSource source = cache.source(digest(1), far)) {
      for (int at = 0; at < 64 * KIB; at += 4 * KIB) {
        read(source, at, 4 * KIB);
      }
      assertThat(far.requests).hasSize(4);
      assertThat(cache.stats().snapshot().aheadUsedBytes()).isEqualTo(48 * KIB);
    }
  }
}
