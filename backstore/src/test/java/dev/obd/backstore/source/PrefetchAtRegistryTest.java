package dev.obd.backstore.source;

import static dev.obd.backstore.cache.Eventually.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.cache.CachedSource;
import dev.obd.io.Deadline;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.http.RegistryClient;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.LoggedRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a registry sees of prefetch. */
@Timeout(60)
class PrefetchAtRegistryTest {
  private static final int UNIT = 64 << 10;
  private static final byte[] BLOB = new byte[3 << 20];

  static {
    new SplittableRandom(3).nextBytes(BLOB);
  }

  @TempDir private Path directory;

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private FaultyRegistry server;
  private RegistryClient client;
  private BlobCache cache;

  @BeforeEach
  void start() throws IOException {
    server = FaultyRegistry.start();
    server.putBlob("app", BLOB);
    client = new RegistryClient(RegistryOptions.defaults());
    cache =
        BlobCache.open(CacheConfig.in(directory).withFreeReserve(0).withUnit(UNIT), Ticker.SYSTEM);
  }

  @AfterEach
  void stop() throws IOException {
    threads.shutdownNow();
    cache.close();
    client.close();
    server.close();
  }

  private CachedSource source(PrefetchLimits limits) throws IOException {
    var scheduler =
        new SlotScheduler(
            "host",
            SlotScheduler.Limits.DEFAULT,
            Pace.ADAPTIVE,
            new PrefetchCeilings(limits),
            Ticker.SYSTEM);
    var descriptor = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);
    var remote =
        new RemoteSource(
            client.repository(ImageReference.parse(server.host() + "/app")).open(descriptor));
    return cache.source(descriptor.digest(), new ScheduledSource(remote, scheduler));
  }

  private static void as(Purpose purpose, ReadContext.Operation<?> what) throws IOException {
    Object _ = new ReadContext(purpose, Deadline.NEVER).run(what::run);
  }

  private List<LoggedRequest> reads() {
    return server.log().stream().filter(LoggedRequest::isBlobRead).toList();
  }

  @Test
  void theCeilingsHoldAtTheRegistry() throws Exception {
    try (CachedSource source = source(new PrefetchLimits(true, 2, 48 << 10, 0))) {
      List<Future<?>> workers = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        var part = new Range(i * (512L << 10), 512 << 10);
        workers.add(
            threads.submit(() -> {
              as(
                  Purpose.REPLAY,
                  () -> {
                    source.prefetch(part);
                    return part;
                  });
              return null;
            }));
      }
      for (Future<?> worker : workers) {
        worker.get();
      }
      assertThat(source.presentBytes()).isEqualTo(BLOB.length);
    }
    assertThat(reads()).allSatisfy(r -> assertThat(r.bytesSent()).isLessThanOrEqualTo(48 << 10));
    assertThat(reads().stream().mapToLong(LoggedRequest::bytesSent).sum()).isEqualTo(BLOB.length);
    assertThat(server.counters().maxInFlight()).isLessThanOrEqualTo(2);
  }

  @Test
  void aStreamGivesWayToAMissAndComesAgain() throws Exception {
    server.fault(1, Call::isBlobRead, new Fault.Trickled(300_000));
    try (CachedSource source = source(PrefetchLimits.NONE)) {
      Future<?> stream =
          threads.submit(() -> {
            as(
                Purpose.BACKGROUND,
                () -> {
                  source.streamIn(new Range(0, BLOB.length), () -> true);
                  return source;
                });
            return null;
          });
      until(() -> source.isPresent(new Range(0, UNIT)));
      ByteBuffer missed = ByteBuffer.allocate(100);
      source.read(BLOB.length - 100, missed);
      assertThat(missed.array())
          .isEqualTo(Arrays.copyOfRange(BLOB, BLOB.length - 100, BLOB.length));
      stream.get(); // which at its first pace would take ten seconds
      assertThat(source.presentBytes()).isEqualTo(BLOB.length);
      ByteBuffer all = ByteBuffer.allocate(BLOB.length);
      source.read(0, all);
      assertThat(Arrays.equals(all.array(), BLOB)).isTrue();
    }
    assertThat(reads().getFirst().bytesSent()).isLessThan(BLOB.length);
  }
}
