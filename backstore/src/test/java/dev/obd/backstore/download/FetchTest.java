package dev.obd.backstore.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class FetchTest {
  private static final int PIECE = 64 << 10;
  private static final FetchOptions OPTIONS = new FetchOptions(4, PIECE, 0, Duration.ofSeconds(20));

  /** Both ways in which a blob is kept. */
  enum Kept {
    CACHE,
    FILE
  }

  @TempDir private Path dir;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<BlobCache> caches = new ArrayList<>();

  @AfterEach
  void stop() throws IOException {
    threads.close();
    for (BlobCache cache : caches) {
      cache.close();
    }
  }

  /** A remote blob that counts, and can fail and lie. */
  private static final class Origin implements BlockSource {
    final byte[] bytes;
    final AtomicLong read = new AtomicLong();
    final AtomicInteger underway = new AtomicInteger();
    final AtomicInteger most = new AtomicInteger();
    volatile long failAfter = Long.MAX_VALUE;
    volatile int lies;
    volatile CountDownLatch gate = new CountDownLatch(0);

    Origin(long seed, int size) {
      bytes = Contents.of("rand", seed, size);
    }

    Digest digest() {
      return Digest.of(bytes);
    }

    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      assertThat(ReadContext.current().purpose()).isEqualTo(ReadContext.Purpose.BACKGROUND);
      assertThat(ReadContext.current().deadline().remainingNanos()).isLessThan(Long.MAX_VALUE);
      most.accumulateAndGet(underway.incrementAndGet(), Math::max);
      try {
        gate.await();
        if (read.addAndGet(dst.remaining()) > failAfter) {
          throw new IOException("the registry is away");
        }
        byte[] part = Arrays.copyOfRange(bytes, (int) offset, (int) offset + dst.remaining());
        if (offset == 0 && lies > 0) {
          lies--;
          part[5] ^= 1;
        }
        dst.put(part);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      } finally {
        underway.decrementAndGet();
      }
    }

    @Override
    public boolean evict(long offset, long length) {
      return true;
    }

    @Override
    public String name() {
      return "origin";
    }

    @Override
    public void close() {}
  }

  private BlobCache cache(long capacity) {
    BlobCache cache =
        BlobCache.open(
            CacheConfig.in(dir.resolve("cache"))
                .withUnit(16 << 10)
                .withCapacity(capacity)
                .withFreeReserve(0),
            Ticker.SYSTEM);
    caches.add(cache);
    return cache;
  }

  private WholeBlob blob(Kept kept, Origin origin) throws IOException {
    return switch (kept) {
      case CACHE ->
          new BlobInCache(origin.digest(), cache(1 << 30).source(origin.digest(), origin));
      case FILE ->
          BlobInFile.inLayerDirectory(
              origin.digest(), origin, dir.resolve(origin.digest().hex()), 0);
    };
  }

  private Fetch fetch(FetchOptions options, WholeBlob... blobs) {
    return new Fetch(List.of(blobs), options, threads, Ticker.SYSTEM);
  }

  private FetchStatus bring(Kept kept, Origin... origins) throws IOException {
    List<WholeBlob> blobs = new ArrayList<>();
    for (Origin origin : origins) {
      blobs.add(blob(kept, origin));
    }
    try (Fetch fetch = new Fetch(blobs, OPTIONS, threads, Ticker.SYSTEM)) {
      fetch.look();
      fetch.run();
      return fetch.status();
    }
  }

  private Path commit(Origin origin) {
    return dir.resolve(origin.digest().hex()).resolve("overlaybd.commit");
  }

  @ParameterizedTest
  @EnumSource(Kept.class)
  void severalBlobsComeWholeInRangesAtOnceAndOnlyOnce(Kept kept) throws IOException {
    Origin first = new Origin(1, 20 * PIECE + 1234);
    Origin second = new Origin(2, 77);
    Origin third = new Origin(3, 9 * PIECE);
    FetchStatus status = bring(kept, first, second, third);
    long all = first.size() + second.size() + third.size();
    assertThat(status).isEqualTo(new FetchStatus(3, 3, all, all, 0, all));
    assertThat(first.read.get() + second.read.get() + third.read.get()).isEqualTo(all);
    if (kept == Kept.FILE) {
      assertThat(commit(first)).hasBinaryContent(first.bytes);
      assertThat(commit(second)).hasBinaryContent(second.bytes);
    }
    FetchStatus again = bring(kept, first, second, third);
    assertThat(again).isEqualTo(new FetchStatus(3, 3, all, all, all, 0));
    assertThat(first.read.get() + second.read.get() + third.read.get()).isEqualTo(all);
  }

  @Test
  void asManyRangesAreUnderWayAsThereAreStreams() throws Exception {
    Origin origin = new Origin(1, 40 * PIECE);
    origin.gate = new CountDownLatch(1);
    try (Fetch fetch = fetch(OPTIONS, blob(Kept.FILE, origin))) {
      fetch.look();
      var running =
          threads.submit(() -> {
            fetch.run();
            return fetch.status();
          });
      while (origin.underway.get() < OPTIONS.streams()) {
        TimeUnit.MILLISECONDS.sleep(1);
      }
      origin.gate.countDown();
      assertThat(running.get().verifiedBlobs()).isEqualTo(1);
    }
    assertThat(origin.most.get()).isEqualTo(OPTIONS.streams());
  }

  @ParameterizedTest
  @EnumSource(Kept.class)
  void whatHadComeBeforeAFailureIsNotFetchedAgain(Kept kept) throws IOException {
    Origin origin = new Origin(1, 30 * PIECE + 5);
    origin.failAfter = 12 * PIECE;
    assertThatThrownBy(() -> bring(kept, origin)).hasMessageContaining("the registry is away");
    assertThat(commit(origin)).doesNotExist();
    long came = 12 * PIECE;
    origin.read.set(0);
    origin.failAfter = Long.MAX_VALUE;
    FetchStatus status = bring(kept, origin);
    assertThat(status.verifiedBlobs()).isEqualTo(1);
    assertThat(status.hereBefore()).isEqualTo(came);
    assertThat(origin.read.get()).isEqualTo(origin.size() - came);
  }

  @ParameterizedTest
  @EnumSource(Kept.class)
  void aBlobWithAWrongDigestIsBroughtOnceMore(Kept kept) throws IOException {
    Origin origin = new Origin(1, 10 * PIECE + 99);
    origin.lies = 1;
    FetchStatus status = bring(kept, origin);
    assertThat(status.verifiedBlobs()).isEqualTo(1);
    assertThat(origin.read.get()).isEqualTo(2 * origin.size());
    if (kept == Kept.FILE) {
      assertThat(commit(origin)).hasBinaryContent(origin.bytes);
    }
  }

  @ParameterizedTest
  @EnumSource(Kept.class)
  void aDigestThatIsWrongTwiceIsAnErrorAndNothingIsKept(Kept kept) throws IOException {
    Origin origin = new Origin(1, 10 * PIECE);
    origin.lies = 2;
    assertThatThrownBy(() -> bring(kept, origin))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(origin.digest().value())
        .hasMessageContaining("twice");
    assertThat(origin.read.get()).isEqualTo(2 * origin.size());
    assertThat(commit(origin)).doesNotExist();
    FetchStatus next = bring(kept, origin);
    assertThat(next.hereBefore()).isZero();
    assertThat(next.verifiedBlobs()).isEqualTo(1);
  }

  @Test
  void aFileThatIsThereWithWrongBytesIsReplaced() throws IOException {
    Origin origin = new Origin(1, 3 * PIECE);
    bring(Kept.FILE, origin);
    byte[] wrong = origin.bytes.clone();
    wrong[PIECE] ^= 1;
    Files.write(commit(origin), wrong);
    bring(Kept.FILE, origin);
    assertThat(commit(origin)).hasBinaryContent(origin.bytes);
    Files.write(commit(origin), new byte[5]);
    bring(Kept.FILE, origin);
    assertThat(commit(origin)).hasBinaryContent(origin.bytes);
  }

  @Test
  void aPlaceThatAnotherFillsIsRefused() throws IOException {
    Origin origin = new Origin(1, 3 * PIECE);
    try (WholeBlob _ = blob(Kept.FILE, origin)) {
      assertThatThrownBy(() -> blob(Kept.FILE, origin))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("another process");
    }
  }

  @Test
  void aCacheThatDoesNotKeepItIsAnError() throws IOException {
    Origin origin = new Origin(1, 8 * PIECE);
    WholeBlob blob =
        new BlobInCache(origin.digest(), cache(8 << 10).source(origin.digest(), origin));
    try (Fetch fetch = fetch(OPTIONS, blob)) {
      fetch.look();
      assertThatThrownBy(fetch::run).hasMessageContaining("the cache did not keep");
    }
  }

  @Test
  void stoppingEndsItAtOnceAndKeepsWhatCame() throws Exception {
    Origin origin = new Origin(1, 16 * PIECE);
    try (Fetch fetch = fetch(OPTIONS.withBytesPerSecond(4 * PIECE), blob(Kept.FILE, origin))) {
      fetch.look();
      var running =
          threads.submit(() -> {
            fetch.run();
            return true;
          });
      while (fetch.status().hereBytes() < 2 * PIECE) {
        TimeUnit.MILLISECONDS.sleep(1);
      }
      fetch.stop();
      assertThatThrownBy(() -> running.get(1, TimeUnit.SECONDS))
          .hasCauseInstanceOf(InterruptedIOException.class);
    }
    assertThat(origin.read.get()).isLessThan(origin.size());
  }

  @Test
  void theRateHolds() throws IOException {
    Origin origin = new Origin(1, 24 * PIECE);
    long perSecond = 16 * PIECE; // 24 pieces, the first of which wait for nothing
    long start = Ticker.SYSTEM.nanos();
    try (Fetch fetch = fetch(OPTIONS.withBytesPerSecond(perSecond), blob(Kept.FILE, origin))) {
      fetch.look();
      fetch.run();
    }
    double seconds = (Ticker.SYSTEM.nanos() - start) / 1e9;
    assertThat(seconds).isBetween(23.0 / 16 * 0.95, 10.0);
  }

  @Test
  void aDamagedBlockOfTheCacheIsFetchedAgainAndNotHashed() throws IOException {
    Origin origin = new Origin(1, 8 * PIECE);
    bring(Kept.CACHE, origin);
    Path data = dir.resolve("cache").resolve(origin.digest().value());
    byte[] kept = Files.readAllBytes(data);
    kept[3 * PIECE + 7] ^= 1;
    Files.write(data, kept);
    long before = origin.read.get();
    assertThat(bring(Kept.CACHE, origin).verifiedBlobs()).isEqualTo(1);
    assertThat(origin.read.get()).isEqualTo(before + (16 << 10));
  }
}
