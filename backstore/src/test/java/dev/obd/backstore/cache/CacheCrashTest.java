package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.Range;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a crash or a power loss can leave: the writes the cache made are recorded, and any part of
 * them, in any order, torn anywhere, is put on disk and opened.
 */
class CacheCrashTest {
  private static final int UNIT = 8192;

  @TempDir Path directory;

  private final byte[] content = content(1, 3 * UNIT + 5000);
  private final CountingOrigin origin = new CountingOrigin(content);
  private final List<Change> changes = new ArrayList<>();

  /** One write, one change of length, or one hole, as the disk saw it. */
  private record Change(Path file, long offset, byte[] bytes, long length) {
    void apply() throws IOException {
      try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
        if (length >= 0) {
          raw.setLength(length);
        } else {
          raw.seek(offset);
          raw.write(bytes);
        }
      }
    }

    Change part(int from, int to) {
      return new Change(file, offset + from, Arrays.copyOfRange(bytes, from, to), length);
    }
  }

  private final CacheFiles watched =
      new CacheFiles() {
        @Override
        public CacheFile open(Path path) throws IOException {
          return new Watched(path, CacheFiles.DISK.open(path));
        }

        @Override
        public long usableBytes(Path somewhere) {
          return Long.MAX_VALUE;
        }
      };

  private final class Watched implements CacheFile {
    private final Path path;
    private final CacheFile next;

    Watched(Path path, CacheFile next) {
      this.path = path;
      this.next = next;
    }

    @Override
    public int read(long offset, ByteBuffer dst) throws IOException {
      return next.read(offset, dst);
    }

    @Override
    public void write(long offset, ByteBuffer src) throws IOException {
      byte[] bytes = new byte[src.remaining()];
      src.duplicate().get(bytes);
      changes.add(new Change(path, offset, bytes, -1));
      next.write(offset, src);
    }

    @Override
    public void setLength(long length) throws IOException {
      changes.add(new Change(path, 0, new byte[0], length));
      next.setLength(length);
    }

    @Override
    public long length() throws IOException {
      return next.length();
    }

    @Override
    public boolean writable() {
      return true;
    }

    @Override
    public void close() throws IOException {
      next.close();
    }
  }

  /** Fills, damages, evicts and fills again, so that stale records and holes are in the list. */
  private void life() throws IOException {
    CacheConfig config = CacheTests.small(directory).withUnit(UNIT).withCapacity(3L * UNIT);
    HolePuncher puncher =
        (file, offset, length) -> {
          HolePuncher.system().punch(file, offset, length);
          changes.add(new Change(file, offset, new byte[(int) length], -1));
        };
    try (BlobCache cache = BlobCache.open(config, Ticker.SYSTEM, puncher, watched);
        CachedSource source = cache.source(digest(1), origin)) {
      byte[] wrong = content(2, content.length);
      CachedSource liar = cache.source(digest(1), new CountingOrigin(wrong));
      liar.prefetch(new Range(0, 2 * UNIT)); // a bad answer of the registry, found out and evicted
      liar.evict(0, wrong.length);
      source.prefetch(new Range(0, content.length)); // evicts, as one unit does not fit
      source.prefetch(new Range(0, content.length));
      liar.close();
    }
  }

  /** The bad answer's units must be gone by the time the good bytes were written. */
  private int firstGoodChange() {
    for (int i = 0; i < changes.size(); i++) {
      if (Arrays.equals(changes.get(i).bytes, Arrays.copyOf(content, UNIT))) {
        return i;
      }
    }
    throw new AssertionError("the first unit was never written");
  }

  private void wipe() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
  }

  private void readsRight(String what) throws IOException {
    try (BlobCache cache = CacheTests.open(CacheTests.small(directory).withUnit(UNIT));
        CachedSource source = cache.source(digest(1), origin)) {
      assertThat(Arrays.equals(readAll(source), content)).as(what).isTrue();
      origin.requests.clear();
      assertThat(Arrays.equals(readAll(source), content)).as(what).isTrue();
      assertThat(origin.requests).as("%s: healed", what).isEmpty();
    }
  }

  @Test
  void everyPrefixOfTheWritesIsSafeAndSoIsEveryTornLastWrite() throws IOException {
    life();
    int from = firstGoodChange();
    assertThat(changes).hasSizeGreaterThan(from + 8);
    for (int cut = from; cut <= changes.size(); cut++) {
      int torn = cut < changes.size() ? changes.get(cut).bytes.length : 0;
      for (int part : new int[] {0, 1, torn / 3, torn - 5, torn - 1}) {
        wipe();
        for (Change change : changes.subList(0, cut)) {
          change.apply();
        }
        if (part > 0 && part < torn) {
          changes.get(cut).part(0, part).apply();
        }
        readsRight("cut after " + cut + " of " + changes.size() + " and " + part + " bytes");
      }
    }
  }

  /** Power loss without any flush: pages reach the disk in any order, or not at all. */
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void anySubsetOfTheWritesInAnyOrderIsSafe(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    life();
    List<Change> pages = new ArrayList<>();
    for (Change change : changes.subList(firstGoodChange(), changes.size())) {
      if (change.length >= 0) {
        pages.add(change);
      }
      for (int at = 0; at < change.bytes.length; ) {
        int end =
            Math.min(
                change.bytes.length, at + (random.nextBoolean() ? 4096 : random.nextInt(1, 4096)));
        pages.add(change.part(at, end));
        at = end;
      }
    }
    ByteBuffer header = new MapFormat(digest(1), content.length, UNIT).header();
    for (int round = 0; round < 60; round++) {
      wipe();
      if (random.nextInt(4) > 0) { // mostly the header made it, else nothing else would matter
        new Change(directory.resolve(digest(1).value() + ".map"), 0, header.array(), -1).apply();
      }
      List<Change> left = new ArrayList<>(pages);
      int kept = random.nextInt(left.size() + 1);
      for (int i = 0; i < kept; i++) {
        left.remove(random.nextInt(left.size())).apply();
      }
      readsRight("seed " + seed + " round " + round);
    }
  }
}
