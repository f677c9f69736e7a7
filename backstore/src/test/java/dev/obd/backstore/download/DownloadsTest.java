package dev.obd.backstore.download;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.config.DownloadConfig;
import dev.obd.backstore.source.SwitchedSource;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Seeded;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DownloadsTest {
  private static final int SIZE = 3 * (64 << 10) + 1234;
  private static final int BLOCK = 16 << 10;

  @TempDir private Path dir;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final BusyDirectories busy = new BusyDirectories();
  private byte[] blob = Contents.of("rand", 1, SIZE);

  @AfterEach
  void stop() {
    threads.close();
  }

  /** A clock on which sleeping takes no time. */
  private static final class QuickTicker implements Ticker {
    private final AtomicLong now = new AtomicLong();

    @Override
    public long nanos() {
      return now.get();
    }

    @Override
    public void sleep(long nanos) {
      now.addAndGet(nanos);
      Thread.yield();
    }
  }

  private final QuickTicker ticker = new QuickTicker();

  /** A remote blob that counts, and can fail. */
  private final class Origin implements BlockSource {
    final AtomicLong bytes = new AtomicLong();
    final AtomicInteger closed = new AtomicInteger();
    volatile int failures;
    volatile long stopAfter = Long.MAX_VALUE;
    volatile boolean lies;
    volatile Runnable onRead = () -> {};

    @Override
    public long size() {
      return blob.length;
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      assertThat(ReadContext.current().purpose()).isEqualTo(ReadContext.Purpose.BACKGROUND);
      assertThat(ReadContext.current().deadline().remainingNanos()).isLessThan(Long.MAX_VALUE);
      onRead.run();
      if (failures > 0) {
        failures--;
        throw new IOException("the registry is away");
      }
      if (bytes.get() >= stopAfter) {
        throw new IOException("cut");
      }
      bytes.addAndGet(dst.remaining());
      byte[] part = Arrays.copyOfRange(blob, (int) offset, (int) offset + dst.remaining());
      if (lies) {
        part[0] ^= 1;
      }
      dst.put(part);
    }

    @Override
    public String name() {
      return "origin";
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  private final Origin origin = new Origin();

  private static DownloadConfig config(int tries) {
    return new DownloadConfig(
        true, Duration.ofSeconds(300), Duration.ofSeconds(30), 0, tries, BLOCK);
  }

  private SwitchedSource remote() {
    return new SwitchedSource(BlockSources.ofBytes("remote", ByteBuffer.wrap(blob)));
  }

  private DownloadTask task(Path directory, SwitchedSource target) {
    return new DownloadTask(Digest.of(blob), blob.length, directory, () -> origin, target);
  }

  private DownloadContext context(long reserve) {
    return new DownloadContext(threads, ticker, () -> 0.5, busy, reserve);
  }

  private Downloads start(DownloadConfig config, DownloadTask... tasks) {
    return Downloads.start("image", List.of(tasks), config, context(0));
  }

  private static DownloadStatus end(Downloads downloads) throws InterruptedException {
    assertThat(downloads.awaitEnd(TimeUnit.SECONDS.toNanos(60))).isTrue();
    return downloads.status();
  }

  private void assertSwitched(SwitchedSource target) throws IOException {
    assertThat(target.isSwitched()).isTrue();
    assertThat(target.name()).endsWith("overlaybd.commit");
    assertThat(BlockSources.readFully(target, 0, blob.length).array()).isEqualTo(blob);
    target.close();
  }

  @Test
  void aLayerIsDownloadedVerifiedAndReadFromItsFile() throws Exception {
    SwitchedSource target = remote();
    DownloadStatus status = end(start(config(1), task(dir.resolve("made"), target)));
    assertThat(status.state()).isEqualTo(DownloadStatus.State.DONE);
    assertThat(status.fetchedBytes()).isEqualTo(SIZE);
    assertThat(status.bytesDone()).isEqualTo(SIZE);
    assertThat(dir.resolve("made/overlaybd.commit")).hasBinaryContent(blob);
    assertThat(dir.resolve("made/.download")).doesNotExist();
    assertThat(origin.closed).hasValue(1);
    assertThat(ticker.nanos())
        .as("delay and half of what is random")
        .isGreaterThanOrEqualTo(TimeUnit.SECONDS.toNanos(315));
    assertSwitched(target);
  }

  static LongStream seeds() {
    return Seeded.seeds();
  }

  /** Wherever a process dies, the next one goes on there, and no wrong byte is kept. */
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whatIsThereIsNotFetchedAgain(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    Path directory = Files.createDirectories(dir.resolve("layer"));
    for (int round = 0; round < 20; round++) {
      Files.deleteIfExists(directory.resolve("overlaybd.commit"));
      origin.bytes.set(0);
      // A killed write leaves whole pages; what was never written is a hole.
      int pages = random.nextInt(SIZE / 4096 + 1);
      try (FileChannel file =
          FileChannel.open(
              directory.resolve(".download"),
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        file.write(ByteBuffer.wrap(blob, 0, pages * 4096));
        if (random.nextBoolean()) {
          file.write(ByteBuffer.allocate(1), SIZE - 1); // its length was set already
        }
      }
      SwitchedSource target = remote();
      assertThat(end(start(config(1), task(directory, target))).state())
          .isEqualTo(DownloadStatus.State.DONE);
      assertThat(origin.bytes.get()).isEqualTo(SIZE - pages * 4096 / BLOCK * BLOCK);
      assertSwitched(target);
    }
  }

  @Test
  void aPartialFileThatLiesIsFetchedAfreshTheSecondTime() throws Exception {
    byte[] wrong = blob.clone();
    wrong[SIZE / 2] ^= 4;
    Files.write(dir.resolve(".download"), wrong);
    SwitchedSource target = remote();
    DownloadStatus status = end(start(config(2), task(dir, target)));
    assertThat(status.state()).isEqualTo(DownloadStatus.State.DONE);
    assertThat(status.fetchedBytes()).isEqualTo(SIZE);
    assertSwitched(target);
  }

  @Test
  void aRegistryThatLiesIsNeverBelieved() throws Exception {
    origin.lies = true;
    SwitchedSource target = remote();
    DownloadStatus status = end(start(config(3), task(dir, target)));
    assertThat(status.state()).isEqualTo(DownloadStatus.State.FAILED);
    assertThat(status.problem().orElse("")).contains("digest");
    assertThat(origin.closed).hasValue(3);
    assertThat(dir.resolve("overlaybd.commit")).doesNotExist();
    assertThat(target.isSwitched()).isFalse();
  }

  @Test
  void failuresAreTriedAgainAndCounted() throws Exception {
    origin.failures = 2;
    SwitchedSource target = remote();
    assertThat(end(start(config(3), task(dir, target))).state())
        .isEqualTo(DownloadStatus.State.DONE);
    assertSwitched(target);
    Files.delete(dir.resolve("overlaybd.commit"));
    origin.failures = 2;
    assertThat(end(start(config(2), task(dir, remote()))).state())
        .isEqualTo(DownloadStatus.State.FAILED);
  }

  @Test
  void oneLayerThatCannotBeHadKeepsNoOtherBack() throws Exception {
    SwitchedSource good = remote();
    DownloadTask bad =
        new DownloadTask(
            Digest.of(blob),
            SIZE,
            dir.resolve("bad"),
            () -> {
              throw new IOException("no such blob");
            },
            remote());
    DownloadStatus status = end(start(config(2), bad, task(dir.resolve("good"), good)));
    assertThat(status.state()).isEqualTo(DownloadStatus.State.FAILED);
    assertThat(status.layersDone()).isEqualTo(1);
    assertSwitched(good);
  }

  @Test
  void devicesThatShareALayerFetchItOnce() throws Exception {
    List<SwitchedSource> targets = List.of(remote(), remote(), remote());
    List<Downloads> all = targets.stream().map(t -> start(config(1), task(dir, t))).toList();
    for (Downloads one : all) {
      assertThat(end(one).state()).isEqualTo(DownloadStatus.State.DONE);
    }
    assertThat(origin.bytes).hasValue(SIZE);
    for (SwitchedSource target : targets) {
      assertSwitched(target);
    }
  }

  @Test
  void aLayerThatAnotherProcessDownloadsIsWaitedFor() throws Exception {
    SwitchedSource target = remote();
    Downloads downloads;
    try (FileChannel other =
            FileChannel.open(
                dir.resolve(".download"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock _ = other.lock()) {
      downloads = start(config(1), task(dir, target));
      assertThat(downloads.awaitEnd(TimeUnit.MILLISECONDS.toNanos(200))).isFalse();
      assertThat(origin.bytes).hasValue(0);
      Files.write(dir.resolve("overlaybd.commit"), blob);
    }
    assertThat(end(downloads).state()).isEqualTo(DownloadStatus.State.DONE);
    assertThat(origin.bytes).as("the other one was faster").hasValue(0);
    assertSwitched(target);
  }

  @Test
  void aFullDiskFailsTheDownloadAndLeavesNoPartialFile() throws Exception {
    SwitchedSource target = remote();
    Downloads downloads =
        Downloads.start(
            "image", List.of(task(dir, target)), config(2), context(Long.MAX_VALUE / 2));
    DownloadStatus status = end(downloads);
    assertThat(status.state()).isEqualTo(DownloadStatus.State.FAILED);
    assertThat(status.problem().orElse("")).contains("no room");
    assertThat(dir.resolve(".download")).isEmptyFile();
    assertThat(target.isSwitched()).isFalse();
  }

  @Test
  void closingStopsItAndTheNextOneGoesOn() throws Exception {
    SwitchedSource target = remote();
    Downloads[] running = new Downloads[1];
    AtomicInteger reads = new AtomicInteger();
    origin.onRead =
        () -> {
          synchronized (running) { // until it is there
            if (reads.incrementAndGet() == 3) {
              running[0].close();
            }
          }
        };
    synchronized (running) {
      running[0] = start(config(5), task(dir, target));
    }
    assertThat(end(running[0]).state()).isEqualTo(DownloadStatus.State.STOPPED);
    assertThat(origin.bytes).hasValue(3 * BLOCK);
    origin.onRead = () -> {};
    assertThat(end(start(config(1), task(dir, target))).state())
        .isEqualTo(DownloadStatus.State.DONE);
    assertThat(origin.bytes).hasValue(SIZE);
    assertSwitched(target);
  }

  @Test
  void theRateIsKept() throws Exception {
    DownloadConfig slow =
        new DownloadConfig(true, Duration.ZERO, Duration.ofNanos(1), 10_000, 1, BLOCK);
    SwitchedSource target = remote();
    assertThat(end(start(slow, task(dir, target))).state()).isEqualTo(DownloadStatus.State.DONE);
    double seconds = ticker.nanos() / 1e9;
    assertThat(seconds).isBetween((SIZE - BLOCK) / 10_000.0 - 1, SIZE / 10_000.0 + 1);
    assertSwitched(target);
  }

  @Test
  void anEmptyBlobAndPagesOfZerosAreNoTrouble() throws Exception {
    blob = new byte[SIZE];
    blob[0] = 1;
    SwitchedSource target = remote();
    assertThat(end(start(config(1), task(dir, target))).state())
        .isEqualTo(DownloadStatus.State.DONE);
    assertSwitched(target);
  }
}
