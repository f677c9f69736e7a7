package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.read;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.cache.BlobCache.Removal;
import dev.obd.io.BlockSource;
import dev.obd.io.Range;
import dev.obd.registry.Digest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can be told of a cache, checked, brought and removed. */
class CacheHousekeepingTest {
  private static final int UNIT = 16 * KIB;

  @TempDir Path directory;

  private final byte[] content = content(1, 10 * UNIT + 5);
  private final Digest digest = Digest.of(content);
  private final CountingOrigin origin = new CountingOrigin(content);

  private BlobCache open() {
    return CacheTests.open(CacheTests.small(directory).withUnit(UNIT));
  }

  private Path data() {
    return directory.resolve(digest.value());
  }

  private void damage(long at) throws IOException {
    try (RandomAccessFile raw = new RandomAccessFile(data().toFile(), "rw")) {
      raw.seek(at);
      int was = raw.read();
      raw.seek(at);
      raw.write(was ^ 0x10);
    }
  }

  @Test
  void verifyingDropsWhatIsDamagedAndOnlyThat() throws IOException {
    try (BlobCache cache = open();
        CachedSource source = cache.source(digest, origin)) {
      source.prefetch(new Range(0, 5 * UNIT));
      assertThat(cache.verify(digest))
          .contains(new BlobCache.Verified(digest, 5 * UNIT, 0, false, false));
      damage(3 * UNIT + 7);
      assertThat(cache.verify(digest))
          .contains(new BlobCache.Verified(digest, 4 * UNIT, UNIT, false, false));
      assertThat(cache.verify(digest))
          .contains(new BlobCache.Verified(digest, 4 * UNIT, 0, false, false));
      assertThat(cache.usedBytes()).isEqualTo(4 * UNIT);
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(cache.verify(digest))
          .contains(new BlobCache.Verified(digest, content.length, 0, true, false));
      assertThat(cache.verify(digest(9))).isEmpty();
    }
  }

  @Test
  void aWholeBlobWithAnotherDigestIsDropped() throws IOException {
    byte[] lie = content.clone();
    lie[5] ^= 1;
    try (BlobCache cache = open();
        CachedSource source = cache.source(digest, new CountingOrigin(lie))) {
      readAll(source);
      assertThat(cache.verify(digest))
          .contains(new BlobCache.Verified(digest, content.length, 0, true, true));
      assertThat(cache.usedBytes()).isZero();
      assertThat(cache.entries()).isEmpty();
    }
  }

  @Test
  void whatIsInUseOrKeptIsNotRemoved() throws IOException {
    try (BlobCache cache = open()) {
      try (CachedSource source = cache.source(digest, origin)) {
        read(source, 0, 1);
        assertThat(cache.remove(digest)).isEqualTo(Removal.IN_USE);
      }
      cache.keep(digest);
      assertThat(cache.remove(digest)).isEqualTo(Removal.KEPT);
      assertThat(cache.entries().getFirst().kept()).isTrue();
      assertThat(cache.unkeep(digest)).isTrue();
      assertThat(cache.remove(digest)).isEqualTo(Removal.REMOVED);
      assertThat(cache.remove(digest)).isEqualTo(Removal.ABSENT);
      assertThat(cache.usedBytes()).isZero();
      try (Stream<Path> left = Files.list(directory)) {
        assertThat(left.map(path -> path.getFileName().toString()))
            .containsExactlyInAnyOrder(".lock", ".users");
      }
    }
  }

  /** Has a blob open until it is told to end. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws IOException {
      byte[] bytes = content(1, 10 * UNIT + 5);
      CacheConfig config = CacheTests.small(Path.of(args[0])).withUnit(UNIT);
      try (BlobCache cache = CacheTests.open(config);
          CachedSource source = cache.source(Digest.of(bytes), new CountingOrigin(bytes))) {
        readAll(source);
        System.out.println("open");
        int _ = System.in.read();
      }
    }
  }

  private Process process(Class<?> main) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx64m",
            "-Dlog4j2.loggerContextFactory=org.apache.logging.log4j.simple.SimpleLoggerContextFactory",
            "-cp",
            System.getProperty("java.class.path"),
            main.getName(),
            directory.toString())
        .redirectErrorStream(true)
        .start();
  }

  private static BufferedReader output(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  @Test
  void whatAnotherProcessHasOpenOrHasBroughtIsSeenAndNotRemoved() throws Exception {
    try (BlobCache cache = open()) {
      Process holder = process(Holder.class);
      try (BufferedReader said = output(holder)) {
        assertThat(said.readLine()).isEqualTo("open");
        assertThat(cache.entries())
            .singleElement()
            .satisfies(entry -> {
              assertThat(entry.presentBytes()).isEqualTo(content.length);
              assertThat(entry.elsewhere()).isTrue();
            });
        assertThat(cache.remove(digest)).isEqualTo(Removal.IN_USE);
        holder.destroyForcibly(); // its lock goes with it
        holder.waitFor();
        assertThat(cache.entries().getFirst().isInUse()).isFalse();
        assertThat(cache.remove(digest)).isEqualTo(Removal.REMOVED);
      } finally {
        holder.destroyForcibly();
      }
    }
  }

  /** Looks at what is in use, again and again, until it is killed. */
  static final class Looker {
    private Looker() {}

    public static void main(String[] args) throws IOException {
      try (BlobCache cache = CacheTests.open(CacheTests.small(Path.of(args[0])).withUnit(UNIT))) {
        while (true) {
          boolean elsewhere = cache.entries().stream().allMatch(BlobCache.Entry::isInUse);
          System.out.println(elsewhere);
        }
      }
    }
  }

  @Test
  void whoOnlyLooksDoesNotKeepAUseFromBeingSeen() throws Exception {
    try (BlobCache cache = open()) {
      try (CachedSource source = cache.source(digest, origin)) {
        source.prefetch(new Range(0, UNIT));
      }
      Process looker = process(Looker.class);
      try (BufferedReader said = output(looker)) {
        assertThat(said.readLine()).isNotNull();
        for (int i = 0; i < 200; i++) {
          try (CachedSource source = cache.source(digest, origin)) {
            assertThat(source.presentBytes()).isEqualTo(UNIT);
            assertThat(cache.isUseSeen(digest)).as("use %d", i).isTrue();
          }
        }
      } finally {
        looker.destroyForcibly();
      }
    }
  }

  @Test
  void whatIsHereCanBeLookedAtWithoutFetchingOrUsingIt() throws IOException {
    Instant longAgo = Instant.parse("2020-01-01T00:00:00Z");
    try (BlobCache cache = open()) {
      try (CachedSource source = cache.source(digest, origin, true, "registry.example/app")) {
        source.prefetch(new Range(0, UNIT));
      }
      Files.setLastModifiedTime(directory.resolve(digest.value() + ".use"), FileTime.from(longAgo));
      origin.requests.clear();
      try (BlockSource present = cache.present(digest).orElseThrow()) {
        assertThat(read(present, 5, 100)).isEqualTo(Arrays.copyOfRange(content, 5, 105));
        assertThatThrownBy(() -> read(present, 2 * UNIT, 1))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("not all here");
      }
      assertThat(origin.requests).isEmpty();
      assertThat(cache.entries().getFirst().lastUse()).isEqualTo(longAgo);
      assertThat(cache.entries().getFirst().from()).isEqualTo("registry.example/app");
      cache.source(digest, origin).close();
      assertThat(cache.entries().getFirst().lastUse()).isAfter(longAgo);
    }
  }

  @Test
  void aBlobThatIsAFileIsBroughtIfItHasItsDigest() throws IOException {
    Path file = Files.write(directory.resolve("blob"), content);
    try (BlobCache cache = open();
        CachedSource source = cache.source(digest, origin)) {
      assertThatThrownBy(() -> BlobImport.run(cache, file, Optional.of(digest(7))))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("its digest is " + digest);
      assertThat(cache.usedBytes()).isZero();
      assertThat(BlobImport.run(cache, file, Optional.of(digest)))
          .isEqualTo(new BlobImport.Imported(digest, content.length, content.length));
      assertThat(readAll(source)).isEqualTo(content); // an open device has it at once
      assertThat(origin.requests).isEmpty();
      assertThat(cache.verify(digest).orElseThrow().complete()).isTrue();
    }
  }

  @Test
  void aBlobThatIsLargerThanTheCacheIsBroughtInPart() throws IOException {
    Path file = Files.write(directory.resolve("blob"), content);
    CacheConfig config = CacheTests.small(directory).withUnit(UNIT).withCapacity(3 * UNIT);
    try (BlobCache cache = CacheTests.open(config);
        CachedSource source = cache.source(digest, origin)) {
      assertThat(BlobImport.run(cache, file, Optional.empty()).keptBytes())
          .isBetween(2L * UNIT, 3L * UNIT);
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(cache.usedBytes()).isLessThanOrEqualTo(3 * UNIT);
    }
  }
}
