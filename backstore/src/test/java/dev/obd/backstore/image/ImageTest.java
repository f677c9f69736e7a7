package dev.obd.backstore.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.cache.CachedSource;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.format.LayerFile;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSink;
import dev.obd.io.FileSource;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import dev.obd.testdata.Contents;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageTest {
  private static final int SIZE = 20 << 20;

  @TempDir private Path dir;
  private final CountingExecutor executor = new CountingExecutor();
  private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
  private BlobCache cache;
  private ImageOpener opener;
  private Path layer;

  @BeforeEach
  void prepare() throws IOException {
    cache = BlobCache.open(CacheConfig.in(dir.resolve("cache")).withFreeReserve(0), Ticker.SYSTEM);
    Links links =
        new Links(link -> new SlotScheduler(link, SlotScheduler.Limits.DEFAULT, Ticker.SYSTEM));
    opener = new ImageOpener(cache, links, executor, scheduler, Ticker.SYSTEM);
    layer = dir.resolve("layer");
    BlockSource disk = BlockSources.ofBytes("disk", ByteBuffer.wrap(Contents.of("rand", 1, SIZE)));
    try (FileSink out = FileSink.create(layer)) {
      RawLayerWriter.write(disk, Optional.empty(), ImportOptions.NONE, out, done -> {});
      out.finish();
    }
  }

  @AfterEach
  void tearDown() throws IOException {
    scheduler.shutdownNow();
    executor.close();
    cache.close();
  }

  private GatedBlob blob() throws IOException {
    return new GatedBlob(FileSource.open(layer));
  }

  private static ImagePlan plan(List<GatedBlob> blobs) {
    List<LayerOrigin> lowers =
        blobs.stream()
            .map(b ->
                LayerOrigin.remote(
                    Digest.of(Integer.toString(blobs.indexOf(b)).getBytes(StandardCharsets.UTF_8)),
                    "host",
                    () -> b))
            .toList();
    return new ImagePlan("an image", lowers, new ImagePlan.TraceUse.None(), Optional.empty());
  }

  @Test
  void aHintForALongRunBringsAllOfIt() throws Exception {
    try (Image image = opener.open(plan(List.of(blob())), OpenOptions.DEFAULTS)) {
      image.prefetch(0, SIZE);
      executor.awaitIdle();
      assertThat(cache.usedBytes()).isGreaterThanOrEqualTo(SIZE);
    }
  }

  @Test
  void thirtyTwoDevicesOfOneImageCostItsRegistryWhatOneDoes() throws Exception {
    List<GatedBlob> blobs = new ArrayList<>();
    List<Image> images = new ArrayList<>();
    for (int i = 0; i < 32; i++) { // each device has a connection of its own, as in a daemon
      blobs.add(blob());
      images.add(opener.open(plan(List.of(blobs.getLast())), OpenOptions.DEFAULTS));
    }
    byte[] disk = Contents.of("rand", 1, SIZE);
    List<Future<?>> readers = new ArrayList<>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Image image : images) {
        readers.add(
            threads.submit(() -> {
              for (int at = 0; at < SIZE; at += 1 << 20) {
                ByteBuffer got = ByteBuffer.allocate(1 << 20);
                image.read(at, got);
                if (!got.flip().equals(ByteBuffer.wrap(disk, at, 1 << 20))) {
                  throw new AssertionError("wrong bytes at " + at);
                }
              }
              return null;
            }));
      }
      for (Future<?> reader : readers) {
        reader.get();
      }
    }
    long bytes = blobs.stream().mapToLong(blob -> blob.bytes.get()).sum();
    System.out.printf("32 devices: %d bytes of a blob of %d%n", bytes, Files.size(layer));
    assertThat(bytes).isEqualTo(Files.size(layer));
    for (Image image : images) {
      image.close();
    }
  }

  @Test
  void hintsNobodyCanKeepUpWithAreDropped() throws Exception {
    GatedBlob blob = blob();
    Image image = opener.open(plan(List.of(blob)), OpenOptions.DEFAULTS);
    blob.shut();
    for (int i = 0; i < 500; i++) {
      image.prefetch(0, SIZE);
    }
    assertThat(executor.running.get()).isLessThan(100);
    blob.open();
    executor.awaitIdle();
    image.close();
  }

  @Test
  void aClosedImageMakesNoMoreRequestsForItsHints() throws Exception {
    GatedBlob blob = blob();
    Image image = opener.open(plan(List.of(blob)), OpenOptions.DEFAULTS);
    blob.shut();
    image.prefetch(0, SIZE);
    assertThat(blob.reached.await(30, TimeUnit.SECONDS)).isTrue();
    image.close();
    blob.open();
    executor.awaitIdle();
    assertThat(blob.reads.get()).isLessThanOrEqualTo(30);
    image.prefetch(0, SIZE);
    executor.awaitIdle();
    assertThat(blob.reads.get()).isLessThanOrEqualTo(30);
  }

  @Test
  void layersThatComeAfterAnInterruptAreClosed() throws Exception {
    GatedBlob quick = blob();
    GatedBlob slow = blob().shut();
    GatedBlob slower = blob().shut();
    var failure = new AtomicReference<Exception>();
    Thread opening =
        Thread.ofPlatform()
            .start(() -> {
              try {
                opener.open(plan(List.of(quick, slow, slower)), OpenOptions.DEFAULTS);
              } catch (IOException | RuntimeException e) {
                failure.set(e);
              }
            });
    assertThat(slow.reached.await(30, TimeUnit.SECONDS)).isTrue();
    opening.interrupt();
    assertThat(opening.join(Duration.ofSeconds(30))).isTrue();
    assertThat(failure.get()).isInstanceOf(InterruptedIOException.class);
    assertThat(quick.closed.await(30, TimeUnit.SECONDS)).isTrue();
    slow.open();
    slower.open();
    assertThat(slow.closed.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(slower.closed.await(30, TimeUnit.SECONDS)).isTrue();
  }

  /** A virtual thread per task, counted. */
  private static final class CountingExecutor extends AbstractExecutorService {
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    final AtomicInteger running = new AtomicInteger();

    @Override
    public void execute(Runnable task) {
      running.incrementAndGet();
      threads.execute(() -> {
        try {
          task.run();
        } finally {
          running.decrementAndGet();
        }
      });
    }

    /** Tasks that start others count until they end, so nothing is missed in between. */
    void awaitIdle() throws InterruptedException {
      for (int i = 0; i < 3000 && running.get() > 0; i++) {
        Thread.sleep(10);
      }
      assertThat(running.get()).isZero();
    }

    @Override
    public void shutdown() {
      threads.shutdown();
    }

    @Override
    public List<Runnable> shutdownNow() {
      return threads.shutdownNow();
    }

    @Override
    public boolean isShutdown() {
      return threads.isShutdown();
    }

    @Override
    public boolean isTerminated() {
      return threads.isTerminated();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
      return threads.awaitTermination(timeout, unit);
    }
  }

  private static Image done(Image image) throws InterruptedException {
    assertThat(image.replayer().orElseThrow().awaitDone(Duration.ofMinutes(1))).isTrue();
    return image;
  }

  @Test
  void nothingIsSaidOfWhatIsRecordedUnlessAllOfItIsPlanned() throws Exception {
    ImagePlan plain = plan(List.of(blob()));
    Recordings all = Recordings.of(Trace.of(List.of(new Access(0, 0, 1 << 20))));
    Recordings part = all.without("what was recorded here", new IOException("damaged"));
    ImagePlan plan = plain.withTrace(new ImagePlan.TraceUse.Replay(() -> all));
    try (Image image = done(opener.open(plan, OpenOptions.DEFAULTS))) {
      assertThat(image.recordedHere().orElseThrow().isWhole()).isTrue();
      assertThat(image.locality().orElseThrow().workingSet()).isPresent();
    }
    var less = OpenOptions.DEFAULTS.withBudget(new PrefetchBudget.Bytes(1 << 19));
    try (Image image = done(opener.open(plan(List.of(blob())).withTrace(plan.trace()), less))) {
      assertThat(image.recordedHere()).isEmpty();
      assertThat(image.replayer().orElseThrow().missing().orElseThrow()).contains("budget");
    }
    ImagePlan unread = plan(List.of(blob())).withTrace(new ImagePlan.TraceUse.Replay(() -> part));
    try (Image image = done(opener.open(unread, OpenOptions.DEFAULTS))) {
      assertThat(image.recordedHere()).isEmpty();
      assertThat(image.locality().orElseThrow().workingSet()).isEmpty();
    }
  }

  @Test
  void whatIsHereIsCountedInStepsThatEndWhenTheImageIsToBeClosed() throws IOException {
    Digest digest = Digest.of(new byte[] {7});
    CachedSource cached = cache.source(digest, blob());
    try (SealedLayer sealed = SealedLayer.open(LayerFile.open(cached))) {
      var opened =
          new OpenedLayer(
              sealed,
              LayerOrigin.remote(digest, "host", this::blob),
              cached.size(),
              Optional.of(cached),
              Optional.empty(),
              Optional.empty());
      var steps = new AtomicInteger();
      LocalityCount.Gate counting =
          step -> {
            steps.incrementAndGet();
            step.run();
            return true;
          };
      assertThat(new LocalityCount(List.of(opened), counting).of(Optional.empty())).isPresent();
      int all = steps.getAndSet(0);
      assertThat(all).isGreaterThan((int) (cached.size() / cached.unitBytes() / 64));
      LocalityCount.Gate closing = step -> counting.pass(step) && steps.get() < 2;
      assertThat(new LocalityCount(List.of(opened), closing).of(Optional.empty())).isEmpty();
      assertThat(steps.get()).isEqualTo(2);
    }
  }
}
