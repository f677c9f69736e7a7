package dev.obd.backstore.image;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.backstore.prefetch.TraceLayer;
import dev.obd.backstore.source.SlotScheduler;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.format.tar.TarMember;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSink;
import dev.obd.io.FileSource;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Seeded;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import dev.obd.trace.runs.Run;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.zip.CRC32C;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Traces that are damaged, made to harm, of other images, or of this one when it was another. */
@Timeout(300)
class HostileTraceTest {
  private static final int MUTATIONS = 100_000;
  private static final int WARM_UP = 1000;
  private static final int ATTACHES = 120;
  private static final int SIZE = 2 << 20;
  private static final long MAX_ALLOCATED = 16 << 20;
  private static final byte[] CONTENT = Contents.of("rand", 9, SIZE);
  private static final Digest LAYER = Digest.of(new byte[] {1});

  /** What a trace travels in. */
  private enum Form {
    TRACE,
    RUNS,
    LAYER,
    COMPRESSED_LAYER
  }

  private static List<Access> reads(SplittableRandom random) {
    List<Access> reads = new ArrayList<>();
    for (int i = random.nextInt(20); i >= 0; i--) {
      // Some of layers that are not there, some beyond the end.
      reads.add(
          new Access(
              random.nextInt(8) == 0 ? random.nextInt() >>> 1 : 0,
              random.nextInt(8) == 0 ? random.nextLong() >>> 2 : random.nextInt(SIZE),
              1 + random.nextInt(200_000)));
    }
    return reads;
  }

  private static byte[] trace(SplittableRandom random) {
    byte[] file = TraceFile.encode(reads(random));
    mutate(random, file, 24);
    if (random.nextInt(4) > 0) {
      // Signed anew: what is to be met lies behind the checksum.
      int length = file.length - 24;
      ByteBuffer.wrap(file)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putInt(16, crc(file, 24, length) ^ crc(new byte[length], 0, length));
    }
    return file;
  }

  private static byte[] runs(SplittableRandom random) {
    List<Run> runs = new ArrayList<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      String layer = random.nextInt(3) == 0 ? "sha256:" + "e".repeat(64) : LAYER.value();
      Instant started = Instant.ofEpochSecond(random.nextInt(100));
      String name = random.nextBoolean() ? "app" : "";
      runs.add(Run.of(started, name, Trace.of(reads(random)), List.of(layer)));
    }
    byte[] file = RunsFile.encode(Runs.of(runs));
    mutate(random, file, 20);
    if (random.nextInt(4) > 0) {
      int length = file.length - 20;
      ByteBuffer.wrap(file)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putInt(12, length)
          .putInt(16, crc(file, 20, length));
    }
    return file;
  }

  private static int crc(byte[] bytes, int offset, int length) {
    var crc = new CRC32C();
    crc.update(bytes, offset, length);
    return (int) crc.getValue();
  }

  /** Some bytes become others; one in four stays as it is. */
  private static void mutate(SplittableRandom random, byte[] file, int from) {
    for (int i = random.nextInt(4); i > 0 && file.length > from; i--) {
      int at = random.nextInt(8) == 0 ? 0 : from;
      byte[] evil = {0, 1, -1, (byte) 0x80, 0x7f, (byte) random.nextInt()};
      file[at + random.nextInt(file.length - at)] = evil[random.nextInt(evil.length)];
    }
  }

  private static byte[] cut(SplittableRandom random, byte[] file) {
    return random.nextInt(10) == 0 ? Arrays.copyOf(file, random.nextInt(2 * file.length)) : file;
  }

  private static byte[] make(Form form, SplittableRandom random) {
    return switch (form) {
      case TRACE -> cut(random, trace(random));
      case RUNS -> cut(random, runs(random));
      case LAYER -> {
        byte[] layer =
            TarMember.wrap(
                List.of(
                    new TarMember.File("trace", 0444, cut(random, trace(random))),
                    new TarMember.File("runs", 0444, cut(random, runs(random)))));
        if (random.nextInt(4) == 0) {
          mutate(random, layer, 0);
        }
        yield cut(random, layer);
      }
      case COMPRESSED_LAYER -> cut(random, compressed(make(Form.LAYER, random)));
    };
  }

  private static byte[] compressed(byte[] bytes) {
    var out = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static Recordings load(Form form, byte[] bytes) throws IOException {
    return switch (form) {
      case TRACE -> Recordings.of(TraceFile.decode("hostile", ByteBuffer.wrap(bytes)));
      case RUNS -> Recordings.of(RunsFile.decode("hostile", ByteBuffer.wrap(bytes)));
      case LAYER, COMPRESSED_LAYER -> TraceLayer.parse("hostile", bytes);
    };
  }

  @Test
  void whateverTheyHoldIsATraceOrAnErrorAndTakesLittleMemory() {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int usable = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      // Compressing takes a while.
      Form form = Form.values()[i % 20 == 0 ? 3 : random.nextInt(3)];
      byte[] bytes = make(form, random);
      Optional<String> name = random.nextInt(8) == 0 ? Optional.of("app") : Optional.empty();
      PrefetchBudget budget =
          random.nextBoolean()
              ? new PrefetchBudget.Unlimited()
              : new PrefetchBudget.Bytes(random.nextInt(1 << 20));
      long before = threads.getCurrentThreadAllocatedBytes();
      try {
        Trace trace = load(form, bytes).replay(List.of(LAYER.value()), name, budget);
        assertThat(trace.size()).isLessThan(10_000);
        usable++;
      } catch (IOException expected) {
        // says what is wrong
      }
      if (i >= WARM_UP) { // the first ones load classes
        assertThat(threads.getCurrentThreadAllocatedBytes() - before)
            .as("%s %d bytes", form, bytes.length)
            .isLessThan(MAX_ALLOCATED);
      }
    }
    // Else the mutations would only have met checksums.
    assertThat(usable).isBetween(MUTATIONS / 10, MUTATIONS * 9 / 10);
  }

  @Test
  void anImageWithAnyOfThemIsAttachedReadsRightAndAsksForNoByteTwice(@TempDir Path dir)
      throws Exception {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    Path layer = dir.resolve("layer");
    BlockSource disk = BlockSources.ofBytes("disk", ByteBuffer.wrap(CONTENT));
    try (FileSink out = FileSink.create(layer)) {
      RawLayerWriter.write(disk, Optional.empty(), ImportOptions.NONE, out, done -> {});
      out.finish();
    }
    Links links =
        new Links(link -> new SlotScheduler(link, SlotScheduler.Limits.DEFAULT, Ticker.SYSTEM));
    CacheConfig config = CacheConfig.in(dir.resolve("cache")).withFreeReserve(0);
    long fetched = 0;
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
        ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
        BlobCache cache = BlobCache.open(config, Ticker.SYSTEM)) {
      ImageOpener opener = new ImageOpener(cache, links, executor, scheduler, Ticker.SYSTEM);
      for (int i = 0; i < ATTACHES; i++) {
        Form form = Form.values()[i % 4];
        byte[] bytes = make(form, random);
        GatedBlob blob = new GatedBlob(FileSource.open(layer));
        LayerOrigin origin = LayerOrigin.remote(LAYER, "host", () -> blob);
        var plan =
            new ImagePlan(
                "hostile",
                List.of(origin),
                new TraceUse.Replay(() -> load(form, bytes)),
                Optional.empty());
        try (Image image = opener.open(plan, OpenOptions.DEFAULTS)) {
          int at = random.nextInt(SIZE - 4096);
          ByteBuffer got = ByteBuffer.allocate(4096);
          image.read(at, got);
          assertThat(got.flip()).isEqualTo(ByteBuffer.wrap(CONTENT, at, 4096));
          Replayer replayer = image.replayer().orElseThrow();
          assertThat(replayer.awaitDone(Duration.ofSeconds(60))).isTrue();
          assertThat(replayer.stats().failed()).isZero();
        }
        fetched += blob.bytes.get();
      }
    }
    assertThat(fetched).isLessThanOrEqualTo(Files.size(layer));
  }
}
