package dev.obd.backstore.prefetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.source.TracedSource;
import dev.obd.format.LayerFile;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.io.BlockSource;
import dev.obd.io.FileSource;
import dev.obd.io.Ticker;
import dev.obd.testdata.Golden;
import dev.obd.trace.Access;
import dev.obd.trace.AccessSink;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import dev.obd.trace.TraceRecorder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The trace the original recorded, over the layers it was recorded on. */
class GoldenReplayTest {
  private static final Path VECTOR = Golden.dir().resolve("j1-trace");
  private static final int UNIT = 4096;

  /** Without a gap, so that nothing is present by luck. */
  private static final ReplayOptions EXACT =
      new ReplayOptions(16, 0, 64 << 10, Duration.ofMinutes(1), Ticker.SYSTEM);

  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final List<FakeCache> caches = new ArrayList<>();
  private final List<BlockSource> layers = new ArrayList<>();

  @BeforeEach
  void openLayers() throws IOException {
    for (int i = 0; i < 3; i++) {
      var cache = new FakeCache(FileSource.open(VECTOR.resolve("layer" + i + ".obd")), UNIT);
      caches.add(cache);
      layers.add(LayerFile.open(cache)); // ZFile, plain, and ZFile in a tar
    }
  }

  @AfterEach
  void closeLayers() throws IOException {
    executor.shutdownNow();
    for (BlockSource layer : layers) {
      layer.close();
    }
  }

  @Test
  void everyRecordedByteCanBeReadWithoutAnotherRequest() throws Exception {
    Trace trace = TraceFile.read(VECTOR.resolve("trace"));
    List<ByteBuffer> expected = readAll(trace);
    caches.forEach(FakeCache::readOnlyWhatIsPresent);
    assertThatThrownBy(() -> readAll(trace)).hasMessageContaining("not prefetched");

    ReplayStats stats = replay(trace, EXACT);
    assertThat(stats.failed()).isZero();
    assertThat(stats.skipped()).isZero();
    assertThat(stats.requests()).isLessThan(trace.size());
    assertThat(readAll(trace)).isEqualTo(expected);
  }

  @Test
  void withTheDefaultsItTakesFarFewerRequestsThanRecords() throws Exception {
    Trace trace = TraceFile.read(VECTOR.resolve("trace"));
    ReplayStats stats = replay(trace, ReplayOptions.DEFAULT);
    assertThat(stats.requests()).isLessThanOrEqualTo(trace.size() / 3);
    assertThat(stats.bytes())
        .isLessThan(caches.stream().mapToLong(cache -> cache.size() + UNIT).sum());
  }

  @Test
  void whatIsTouchedFirstIsFetchedFirst() throws Exception {
    List<FakeCache> order = new ArrayList<>();
    caches.forEach(cache -> cache.script(range -> order.add(cache)));
    replay(TraceFile.read(VECTOR.resolve("trace")), EXACT.withConcurrency(1));
    // Each layer's header is read before anything else.
    assertThat(order).startsWith(caches.get(0), caches.get(1), caches.get(2));
    assertThat(order.subList(0, 3)).doesNotHaveDuplicates();
  }

  @Test
  void aStartThatWasRecordedRunsFromTheCachesAfterItsReplay() throws Exception {
    var recorder = new TraceRecorder();
    recorder.start();
    List<ByteBuffer> expected = runWorkload(recorder);
    recorder.stop();
    Trace trace =
        TraceFile.decode("a recording", ByteBuffer.wrap(TraceFile.encode(recorder.snapshot())));
    assertThat(trace).hasSizeGreaterThan(10);
    caches.forEach(FakeCache::readOnlyWhatIsPresent);

    replay(trace, EXACT);
    assertThat(runWorkload((layer, offset, length) -> {})).isEqualTo(expected);
  }

  @Test
  void noDamagedTraceIsReplayedAndNoneIsAnError() throws Exception {
    byte[] file = Files.readAllBytes(VECTOR.resolve("trace"));
    for (int at = 0; at < file.length; at++) {
      byte[] damaged = file.clone();
      damaged[at] ^= (byte) 0x55;
      boolean padding = at >= 4 && at < 8 || at >= 20 && at < 24;
      try (var replayer =
          Replayer.start(
              "an image",
              List.of(),
              () -> TraceFile.decode("a trace", ByteBuffer.wrap(damaged)),
              EXACT,
              executor)) {
        assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
        assertThat(replayer.stats().state())
            .as("byte %d", at)
            .isEqualTo(padding ? ReplayStats.State.DONE : ReplayStats.State.DAMAGED);
      }
    }
  }

  private ReplayStats replay(Trace trace, ReplayOptions options) throws InterruptedException {
    try (var replayer = Replayer.start("an image", layers, () -> trace, options, executor)) {
      assertThat(replayer.awaitDone(Duration.ofMinutes(1))).isTrue();
      return replayer.stats();
    }
  }

  private List<ByteBuffer> readAll(Trace trace) throws IOException {
    List<ByteBuffer> read = new ArrayList<>();
    for (Access access : trace) {
      ByteBuffer bytes = ByteBuffer.allocate((int) access.length());
      layers.get(access.layer()).read(access.offset(), bytes);
      read.add(bytes.flip());
    }
    return read;
  }

  /** Opens the stack and makes the vector's reads; the layers stay open. */
  private List<ByteBuffer> runWorkload(AccessSink sink) throws IOException {
    List<SealedLayer> sealed = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      sealed.add(SealedLayer.open(new TracedSource(layers.get(i), i, sink)));
    }
    LayerStack stack = LayerStack.open(sealed);
    List<ByteBuffer> read = new ArrayList<>();
    for (String line : Files.readAllLines(VECTOR.resolve("reads.txt"))) {
      String[] offsetAndLength = line.split(" ", 2);
      ByteBuffer bytes = ByteBuffer.allocate(Integer.parseInt(offsetAndLength[1]));
      stack.read(Long.parseLong(offsetAndLength[0]), bytes);
      read.add(bytes.flip());
    }
    return read;
  }
}
