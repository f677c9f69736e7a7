package dev.obd.backstore.cache;

import static dev.obd.backstore.cache.CacheTests.KIB;
import static dev.obd.backstore.cache.CacheTests.content;
import static dev.obd.backstore.cache.CacheTests.digest;
import static dev.obd.backstore.cache.CacheTests.read;
import static dev.obd.backstore.cache.CacheTests.readAll;
import static dev.obd.backstore.cache.Eventually.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSource;
import dev.obd.io.ByteReceiver;
import dev.obd.io.Deadline;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Bytes that come little by little. */
@Timeout(60)
class StreamedFetchTest {
  private static final int UNIT = 64 * KIB;
  private static final int CHUNK = 16 * KIB;

  /** Sends chunks, each when it is allowed to. */
  private static final class Dripping implements BlockSource {
    private final byte[] content;
    final Semaphore chunks = new Semaphore(0);
    final List<Range> requests = new CopyOnWriteArrayList<>();
    volatile long breaksAt = Long.MAX_VALUE;
    volatile long cutAt = Long.MAX_VALUE;
    volatile long slowFrom; // requests from here on wait for their chunks, others do not

    Dripping(byte[] content) {
      this.content = content;
    }

    @Override
    public long size() {
      return content.length;
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      stream(
          new Range(offset, dst.remaining()),
          bytes -> {
            dst.put(bytes);
            return true;
          });
    }

    @Override
    public void stream(Range range, ByteReceiver receiver) throws IOException {
      requests.add(range);
      boolean waits = requests.size() == 1 && range.offset() >= slowFrom;
      for (long at = range.offset(); at < range.end(); at += CHUNK) {
        try {
          if (waits && !chunks.tryAcquire(50, TimeUnit.SECONDS)) {
            throw new IOException("nobody allowed a chunk");
          }
        } catch (InterruptedException e) {
          throw new InterruptedIOException();
        }
        if (at >= breaksAt) {
          breaksAt = Long.MAX_VALUE;
          throw new IOException("broke at " + at);
        }
        int length = (int) Math.min(CHUNK, range.end() - at);
        if (!receiver.take(ByteBuffer.wrap(content, (int) at, length).slice())) {
          return;
        }
        if (at >= cutAt) {
          cutAt = Long.MAX_VALUE;
          return;
        }
      }
    }

    @Override
    public String name() {
      return "dripping";
    }

    @Override
    public void close() {}
  }

  @TempDir Path directory;

  private final byte[] content = content(7, 2048 * KIB + 777);
  private final Dripping origin = new Dripping(content);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private BlobCache cache;
  private CachedSource source;

  @BeforeEach
  void open() {
    CacheConfig config =
        CacheConfig.in(directory).withFreeReserve(0).withUnit(UNIT).withRequests(1 << 20, 0);
    cache = CacheTests.open(config);
    source = cache.source(digest(1), origin);
  }

  @AfterEach
  void close() throws IOException {
    threads.shutdownNow();
    source.close();
    cache.close();
  }

  private byte[] part(long from, int length) {
    return Arrays.copyOfRange(content, (int) from, (int) from + length);
  }

  private Future<?> behind(ReadContext.Operation<?> work) {
    return threads.submit(() -> {
      var context = new ReadContext(Purpose.REPLAY, Deadline.NEVER);
      context.run(() -> {
        work.run();
        return source;
      });
      return null;
    });
  }

  private Future<?> prefetch(Range range) {
    return behind(() -> {
      source.prefetch(range);
      return range;
    });
  }

  private Future<?> streamIn(Range range) {
    return behind(() -> {
      source.streamIn(range, () -> true);
      return range;
    });
  }

  private byte[] readWithin(Duration patience, long offset, int length) throws IOException {
    return new ReadContext(Purpose.DEMAND, Deadline.after(Ticker.SYSTEM, patience))
        .run(() -> read(source, offset, length));
  }

  private void requested(int requests) throws InterruptedException {
    until(() -> origin.requests.size() >= requests);
  }

  @Test
  void aReaderHasItsBytesWhileTheRestOfTheFetchIsStillToCome() throws Exception {
    Future<?> fetch = prefetch(new Range(0, 1 << 20));
    requested(1);
    origin.chunks.release(3);
    assertThat(read(source, 2 * CHUNK, 1000)).isEqualTo(part(2 * CHUNK, 1000));
    assertThat(fetch.isDone()).isFalse();
    assertThat(origin.requests).hasSize(1);
    origin.chunks.release(1000);
    fetch.get();
    assertThat(source.presentBytes()).isEqualTo(1 << 20);
  }

  @Test
  void whatAStalledFetchHasNotBroughtIsAskedForInHalfOfTheReadersTime() throws Exception {
    Future<?> stalled = prefetch(new Range(0, 1 << 20));
    requested(1);
    origin.chunks.release(3);
    assertThat(readWithin(Duration.ofSeconds(4), 2 * CHUNK, 2 * CHUNK))
        .isEqualTo(part(2 * CHUNK, 2 * CHUNK));
    assertThat(cache.stats().snapshot().overtaken()).isEqualTo(1);
    assertThat(origin.requests).hasSize(2);
    assertThat(stalled.isDone()).isFalse();
    origin.chunks.release(1000);
    stalled.get();
    assertThat(readAll(source)).isEqualTo(content);
  }

  @Test
  void bytesFoundWrongWhileTheFetchIsUnderWayAreNotKept() throws Exception {
    Future<?> fetch = prefetch(new Range(0, 1 << 20));
    requested(1);
    origin.chunks.release(8);
    assertThat(read(source, 0, 1000)).isEqualTo(part(0, 1000));
    assertThat(source.evict(0, 1000)).isTrue();
    assertThat(read(source, 0, 1000)).isEqualTo(part(0, 1000)); // asked for again
    assertThat(origin.requests).hasSize(2);
    origin.chunks.release(1000);
    fetch.get();
    assertThat(source.isPresent(new Range(UNIT, UNIT))).isFalse();
  }

  @Test
  void aFetchThatIsCutGoesOnWhereItWas() throws Exception {
    origin.slowFrom = Long.MAX_VALUE;
    origin.cutAt = 5 * CHUNK;
    prefetch(new Range(0, 1 << 20)).get();
    assertThat(origin.requests)
        .containsExactly(new Range(0, 1 << 20), new Range(6L * CHUNK, (1 << 20) - 6L * CHUNK));
    assertThat(source.presentBytes()).isEqualTo(1 << 20);
    assertThat(readAll(source)).isEqualTo(content);
  }

  @Test
  void aStreamIsOneRequestWhoseNextUnitsAreWaitedFor() throws Exception {
    Future<?> stream = streamIn(new Range(0, content.length));
    requested(1);
    origin.chunks.release(5);
    until(() -> source.isPresent(new Range(0, UNIT))); // kept as it passes
    Future<byte[]> reader = threads.submit(() -> read(source, UNIT + 2 * CHUNK, 1000));
    until(() -> cache.stats().snapshot().joins() == 1);
    assertThat(reader.isDone()).isFalse();
    origin.chunks.release(2);
    assertThat(reader.get()).isEqualTo(part(UNIT + 2 * CHUNK, 1000));
    assertThat(origin.requests).containsExactly(new Range(0, content.length));
    origin.chunks.release(1000);
    stream.get();
    assertThat(source.presentBytes()).isEqualTo(content.length);
    assertThat(readAll(source)).isEqualTo(content);
    assertThat(origin.requests).hasSize(1);
  }

  @Test
  void whoReadsFarAheadOfAStreamAsksItself() throws Exception {
    Future<?> stream = streamIn(new Range(0, content.length));
    requested(1);
    origin.chunks.release(1);
    assertThat(read(source, 1900 * KIB, 1000)).isEqualTo(part(1900 * KIB, 1000));
    assertThat(origin.requests).hasSize(2);
    assertThat(origin.requests.get(1).length()).isEqualTo(UNIT);
    origin.chunks.release(1000);
    stream.get();
    assertThat(origin.requests).hasSize(2);
    assertThat(readAll(source)).isEqualTo(content);
  }

  @Test
  void aStreamNobodyWantsAnyMoreEndsAndKeepsWhatCame() throws Exception {
    var wanted = new Semaphore(0);
    Future<?> stream =
        behind(() -> {
          source.streamIn(new Range(0, content.length), () -> wanted.availablePermits() == 0);
          return source;
        });
    requested(1);
    origin.chunks.release(4);
    until(() -> source.isPresent(new Range(0, UNIT)));
    wanted.release();
    origin.chunks.release(1);
    stream.get();
    assertThat(source.presentBytes()).isEqualTo(UNIT);
  }

  @Test
  void theReadersOfAStreamThatBreaksAskThemselves() throws Exception {
    origin.breaksAt = 6 * CHUNK;
    Future<?> stream = streamIn(new Range(0, content.length));
    origin.chunks.release(4);
    until(() -> source.isPresent(new Range(0, UNIT)));
    Future<byte[]> reader = threads.submit(() -> read(source, 7 * CHUNK, 100));
    until(() -> cache.stats().snapshot().joins() == 1);
    origin.chunks.release(1000);
    assertThat(reader.get()).isEqualTo(part(7 * CHUNK, 100));
    assertThatThrownBy(stream::get).hasMessageContaining("broke at");
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, 3, System.nanoTime());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void streamsReadersAndWrongBytesTogetherNeverShowWrongBytes(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    origin.slowFrom = Long.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      long from = random.nextLong(content.length);
      source.prefetch(new Range(from, random.nextLong(content.length - from + 1) / 8));
    }
    Future<?> first = streamIn(new Range(0, content.length));
    Future<?> second = streamIn(new Range(random.nextLong(content.length), content.length));
    for (int i = 0; i < 50; i++) {
      int from = random.nextInt(content.length);
      int length = random.nextInt(Math.min(content.length - from, 200_000) + 1);
      assertThat(Arrays.equals(read(source, from, length), part(from, length))).isTrue();
      if (random.nextInt(10) == 0) {
        source.evict(from, length);
      }
    }
    first.get();
    second.get();
    assertThat(Arrays.equals(readAll(source), content)).isTrue();
  }
}
