package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every byte of a small cache is changed, one after the other. */
class CacheDamageTest {
  private static final int UNIT = 8192;

  @TempDir Path directory;

  private final byte[] content = content(1, 2 * UNIT + 5000);
  private final CountingOrigin origin = new CountingOrigin(content);

  private CacheConfig config() {
    return CacheTests.small(directory).withRequests(UNIT, 0).withUnit(UNIT);
  }

  private Path data() {
    return directory.resolve(digest(1).value());
  }

  private Path map() {
    return directory.resolve(digest(1).value() + ".map");
  }

  private void fill() throws IOException {
    try (BlobCache cache = CacheTests.open(config());
        CachedSource source = cache.source(digest(1), origin)) {
      readAll(source);
    }
  }

  @Test
  void anyFlippedByteOfDataCostsOneFetchOfItsUnit() throws IOException {
    fill();
    try (BlobCache cache = CacheTests.open(config());
        CachedSource source = cache.source(digest(1), origin);
        RandomAccessFile file = new RandomAccessFile(data().toFile(), "rw")) {
      for (int at = 0; at < content.length; at++) {
        origin.requests.clear();
        file.seek(at);
        file.write(content[at] ^ 1 << at % 8);
        assertThat(Arrays.equals(readAll(source), content)).as("byte %d", at).isTrue();
        assertThat(origin.requests).as("byte %d", at).hasSize(1);
        assertThat(origin.requests.getFirst().offset()).isEqualTo(at / UNIT * UNIT);
        assertThat(cache.stats().snapshot().corruptUnits()).isEqualTo(at + 1);
        assertThat(cache.usedBytes()).isEqualTo(content.length);
      }
    }
  }

  @ParameterizedTest(name = "xor {0}")
  @ValueSource(ints = {0x01, 0x80, 0xff})
  void anyFlippedByteOfTheMapCostsAtMostAFetch(int flip) throws IOException {
    fill();
    byte[] good = Files.readAllBytes(map());
    assertThat(good).hasSize(64 + 3 * 16);
    for (int at = 0; at < good.length; at++) {
      byte[] bad = good.clone();
      bad[at] ^= (byte) flip;
      Files.write(map(), bad);
      origin.requests.clear();
      try (BlobCache cache = CacheTests.open(config());
          CachedSource source = cache.source(digest(1), origin)) {
        assertThat(Arrays.equals(readAll(source), content)).as("byte %d", at).isTrue();
        int lost = at < MapFormat.HEADER_BYTES ? 3 : 1;
        assertThat(origin.requests).as("byte %d", at).hasSize(lost);
        assertThat(readAll(source)).isEqualTo(content);
        assertThat(origin.requests).hasSize(lost); // and is healed
        assertThat(cache.usedBytes()).isEqualTo(content.length);
      }
      assertThat(Files.readAllBytes(map())).isEqualTo(good);
    }
  }

  @Test
  void anyLengthOfEitherFileIsSurvived() throws IOException {
    fill();
    byte[] map = Files.readAllBytes(map());
    byte[] data = Files.readAllBytes(data());
    for (int length = 0; length <= map.length; length++) {
      Files.write(map(), Arrays.copyOf(map, length));
      readsRight("map cut at " + length);
    }
    for (int length = 0; length < data.length; length += 509) {
      Files.write(data(), Arrays.copyOf(data, length));
      readsRight("data cut at " + length);
    }
    Files.delete(data());
    readsRight("no data");
    Files.delete(map());
    readsRight("no map");
  }

  @Test
  void aRecordOfAnotherUnitBlobOrSizeIsAbsent() throws IOException {
    fill();
    byte[] good = Files.readAllBytes(map());
    byte[] swapped = good.clone();
    System.arraycopy(good, 64 + 16, swapped, 64, 16);
    Files.write(map(), swapped);
    readsRight("unit 1's record in unit 0's place");

    byte[] data = Files.readAllBytes(data());
    byte[] moved = data.clone();
    System.arraycopy(data, UNIT, moved, 0, UNIT); // record and data agree with each other now
    Files.write(map(), swapped);
    Files.write(data(), moved);
    readsRight("unit 1 in unit 0's place");

    Files.write(map(), good);
    Files.write(data(), data);
    byte[] other = content(9, content.length);
    Files.copy(map(), directory.resolve(digest(2).value() + ".map"));
    Files.copy(data(), directory.resolve(digest(2).value()));
    try (BlobCache cache = CacheTests.open(config());
        CachedSource source = cache.source(digest(2), new CountingOrigin(other))) {
      assertThat(readAll(source)).isEqualTo(other);
    }
  }

  @Test
  void recordsMadeForAnotherUnitSizeAreAbsent() {
    MapFormat small = new MapFormat(digest(1), content.length, 4096);
    MapFormat large = new MapFormat(digest(1), content.length, 8192);
    Scratch scratch = new Scratch(small);
    Scratch other = new Scratch(large);
    other.record().put(scratch.seal(0, java.nio.ByteBuffer.wrap(content, 0, 4096))).putInt(0);
    assertThat(scratch.holds(0)).isTrue();
    assertThat(scratch.holds(1)).isFalse();
    assertThat(other.holds(0)).isFalse();
  }

  private static void swap(Path file, long one, long other, int length) throws IOException {
    try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
      byte[] first = new byte[length];
      byte[] second = new byte[length];
      raw.seek(one);
      raw.readFully(first);
      raw.seek(other);
      raw.readFully(second);
      raw.seek(one);
      raw.write(second);
      raw.seek(other);
      raw.write(first);
    }
  }

  @Test
  void swappedAndZeroedUnitsAndForeignFilesAreFetchedAgain() throws IOException {
    fill();
    swap(data(), 0, UNIT, UNIT);
    readsRight("two units of the data swapped");
    assertThat(origin.requests).hasSizeGreaterThan(1);
    try (RandomAccessFile raw = new RandomAccessFile(data().toFile(), "rw")) {
      raw.write(new byte[UNIT]);
    }
    readsRight("a unit of zeros");
    byte[] another = content(77, content.length);
    Path elsewhere = directory.resolve("elsewhere");
    try (BlobCache cache = CacheTests.open(CacheTests.small(elsewhere).withUnit(UNIT));
        CachedSource source = cache.source(digest(2), new CountingOrigin(another))) {
      readAll(source);
    }
    for (String suffix : new String[] {"", ".map"}) {
      Path foreign = elsewhere.resolve(digest(2).value() + suffix);
      Files.copy(
          foreign,
          directory.resolve(digest(1).value() + suffix),
          StandardCopyOption.REPLACE_EXISTING);
      readsRight("the file '" + suffix + "' of another blob");
    }
  }

  @Test
  void filesThatOnlySayWhoUsesWhatMayBeAnything() throws IOException {
    fill();
    byte[] noise = content(5, 100_000);
    for (String name : new String[] {".lock", ".users", digest(1) + ".use", digest(1) + ".keep"}) {
      Files.write(directory.resolve(name), noise);
      readsRight(name);
      try (BlobCache cache = CacheTests.open(config())) {
        assertThat(cache.entries()).hasSize(1);
        assertThat(cache.entries().getFirst().from()).hasSizeLessThan(1001);
      }
    }
  }

  private void readsRight(String what) throws IOException {
    try (BlobCache cache = CacheTests.open(config());
        CachedSource source = cache.source(digest(1), origin)) {
      for (int i = 0; i < 2; i++) {
        assertThat(Arrays.equals(readAll(source), content)).as(what).isTrue();
      }
      assertThat(cache.usedBytes()).as(what).isEqualTo(content.length);
    }
  }
}
