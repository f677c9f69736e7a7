package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.Range;
import dev.obd.io.Ticker;
import dev.obd.testdata.Processes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cache that cannot do its work costs fetches, never an error. */
class CacheOutageTest {
  @TempDir Path directory;

  private final byte[] content = content(1, 512 * KIB);
  private final CountingOrigin origin = new CountingOrigin(content);
  private final AtomicLong now = new AtomicLong();
  private final Ticker ticker =
      new Ticker() {
        @Override
        public long nanos() {
          return now.get();
        }

        @Override
        public void sleep(long nanos) {
          now.addAndGet(nanos);
        }
      };

  /** Files that fail as told. */
  private static final class Failing implements CacheFiles {
    volatile boolean open;
    volatile boolean reads;
    volatile boolean writes;
    volatile boolean readOnly;

    @Override
    public CacheFile open(Path path) throws IOException {
      if (open) {
        throw new IOException(path + ": Permission denied");
      }
      CacheFile next = CacheFiles.DISK.open(path);
      return new CacheFile() {
        @Override
        public int read(long offset, ByteBuffer dst) throws IOException {
          if (reads) {
            throw new IOException("Input/output error");
          }
          return next.read(offset, dst);
        }

        @Override
        public void write(long offset, ByteBuffer src) throws IOException {
          if (writes) {
            next.write(offset, src.slice(src.position(), src.remaining() / 2)); // torn, too
            throw new IOException("No space left on device");
          }
          next.write(offset, src);
        }

        @Override
        public void setLength(long length) throws IOException {
          next.setLength(length);
        }

        @Override
        public long length() throws IOException {
          return next.length();
        }

        @Override
        public boolean writable() {
          return !readOnly;
        }

        @Override
        public void close() throws IOException {
          next.close();
        }
      };
    }

    @Override
    public long usableBytes(Path somewhere) throws IOException {
      if (reads) {
        throw new IOException("Input/output error");
      }
      return 1L << 40;
    }
  }

  private final Failing files = new Failing();

  private BlobCache open() {
    return BlobCache.open(
        CacheTests.small(directory).withUnit(64 * KIB).withFreeReserve(1),
        ticker,
        HolePuncher.system(),
        files);
  }

  @Test
  void aFullDiskIsLeftAloneForAWhileAndThenTriedAgain() throws IOException, InterruptedException {
    try (BlobCache cache = open();
        CachedSource source = cache.source(digest(1), origin)) {
      files.writes = true;
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(cache.usedBytes()).isZero();
      assertThat(cache.stats().snapshot().diskErrors()).isEqualTo(1); // then it was left alone
      assertThat(cache.stats().snapshot().unstoredUnits()).isEqualTo(8);
      source.prefetch(new Range(0, content.length)); // pointless now
      assertThat(origin.requests).hasSize(8);
      files.writes = false;
      timePasses();
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(cache.usedBytes()).isEqualTo(content.length);
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(origin.requests).hasSize(16);
      assertThat(cache.stats().snapshot().corruptUnits()).isZero();
    }
  }

  private void timePasses() {
    now.addAndGet(10_000_000_000L);
  }

  @Test
  void aDiskThatCannotBeReadIsServedAround() throws IOException, InterruptedException {
    try (BlobCache cache = open();
        CachedSource source = cache.source(digest(1), origin)) {
      readAll(source);
      files.reads = true;
      assertThat(readAll(source)).isEqualTo(content);
      files.reads = false;
      origin.requests.clear();
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(origin.requests).isEmpty();
    }
  }

  @Test
  void aReadOnlyDirectoryIsReadFromAndNotWrittenTo() throws IOException, InterruptedException {
    try (BlobCache cache = open();
        CachedSource source = cache.source(digest(1), origin)) {
      source.prefetch(new Range(0, 64 * KIB));
    }
    origin.requests.clear();
    files.readOnly = true;
    try (BlobCache cache = open();
        CachedSource source = cache.source(digest(1), origin);
        CachedSource unknown = cache.source(digest(2), new CountingOrigin(content))) {
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(origin.bytes()).isEqualTo(content.length - 64 * KIB);
      assertThat(source.evict(0, 1)).isTrue();
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(readAll(unknown)).isEqualTo(content);
    }
  }

  @Test
  void aDirectoryThatCannotBeMadeIsNoError() throws IOException, InterruptedException {
    Path file = Files.writeString(directory.resolve("file"), "not a directory");
    try (BlobCache cache = CacheTests.open(CacheTests.small(file.resolve("cache")));
        CachedSource source = cache.source(digest(1), origin)) {
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(readAll(source)).isEqualTo(content);
      assertThat(source.presentBytes()).isZero();
      assertThat(source.isPresent(new Range(0, 1))).isFalse();
      source.prefetch(new Range(0, 1));
      assertThat(source.evict(0, 1)).isTrue();
    }
  }

  @Test
  void aRealFileSystemThatIsFullIsServedAround() throws IOException, InterruptedException {
    Processes.Result mounted =
        Processes.run("mount", "-t", "tmpfs", "-o", "size=256k", "obd-test", directory.toString());
    Assumptions.assumeTrue(mounted.exit() == 0, "cannot mount a tmpfs here: " + mounted.errors());
    try {
      CacheConfig config = CacheTests.small(directory).withUnit(64 * KIB);
      try (BlobCache cache = BlobCache.open(config, ticker, HolePuncher.system());
          CachedSource source = cache.source(digest(1), origin)) {
        for (int i = 0; i < 3; i++) {
          assertThat(readAll(source)).isEqualTo(content);
          timePasses();
        }
        assertThat(cache.stats().snapshot().diskErrors()).isPositive();
        assertThat(cache.stats().snapshot().corruptUnits()).isZero();
        assertThat(source.presentBytes()).isPositive();
        assertThat(cache.usedBytes()).isLessThan(256 * KIB);
      }
      try (BlobCache cache = CacheTests.open(config);
          CachedSource source = cache.source(digest(1), origin)) {
        assertThat(readAll(source)).isEqualTo(content);
      }
    } finally {
      Processes.run("umount", directory.toString()).expectSuccess();
    }
  }
}
