package dev.obd.backstore.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.ExtentMap;
import dev.obd.io.FormatException;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BlockDeviceTest {
  private static final int SIZE = 1 << 20;

  private final MemoryDisk memory = MemoryDisk.writable(SIZE);
  private final ScriptedDisk disk = new ScriptedDisk(memory);
  private final List<BlockDevice> devices = new ArrayList<>();

  private BlockDevice device(Disk on, DeviceOptions options) {
    var device = new BlockDevice("test", on, options);
    devices.add(device);
    return device;
  }

  private BlockDevice device() {
    return device(disk, DeviceOptions.DEFAULTS);
  }

  /** Gives up on hung reads within a second. */
  private BlockDevice impatient() {
    return device(
        disk,
        DeviceOptions.DEFAULTS
            .withReadPatience(Duration.ofMillis(300))
            .withHangGrace(Duration.ofMillis(300)));
  }

  @AfterEach
  void closeDevices() throws IOException {
    disk.play((_, _, _) -> {});
    for (BlockDevice device : devices) {
      device.close();
    }
  }

  private static Request.Read read(long offset, int length) {
    return new Request.Read(offset, ByteBuffer.allocate(length));
  }

  private static Request.Write write(long offset, int length) {
    byte[] bytes = new byte[length];
    new SplittableRandom(offset).nextBytes(bytes);
    return new Request.Write(offset, ByteBuffer.wrap(bytes), false);
  }

  @Test
  void readsWhatWasWritten() {
    BlockDevice device = device();
    var write = write(4096, 8192);
    assertThat(device.serve(write)).isEqualTo(Status.OK);
    var read = read(4095, 8194);
    assertThat(device.serve(read)).isEqualTo(Status.OK);
    byte[] expected = new byte[8194];
    write.from().flip().get(expected, 1, 8192);
    assertThat(read.into().array()).isEqualTo(expected);
  }

  @Test
  void aRequestCanBeServedOnTheCallersThread() {
    var threads = new ArrayList<Thread>();
    disk.play((_, _, _) -> threads.add(Thread.currentThread()));
    var answer = new ArrayList<Status>();
    device().submit(read(0, 512), answer::add, Runnable::run);
    assertThat(answer).containsExactly(Status.OK);
    assertThat(threads).containsExactly(Thread.currentThread());
  }

  @Test
  void aRequestForWhichThereIsNoThreadIsAnsweredAndTheNextOneIsServed() {
    var threads = new AtomicInteger();
    BlockDevice device =
        device(
            disk,
            new DeviceOptions(
                Duration.ofSeconds(60),
                Duration.ofSeconds(5),
                Ticker.SYSTEM,
                task -> {
                  int thread = threads.incrementAndGet();
                  if (thread == 1 || thread == 3) { // the guard's, and then a request's
                    throw new OutOfMemoryError("unable to create native thread");
                  }
                  Thread.startVirtualThread(task);
                }));
    for (int i = 0; i < 2; i++) {
      assertThat(device.serve(read(0, 512))).isEqualTo(Status.IO_ERROR);
      assertThat(device.stats().inFlight()).isZero();
    }
    assertThat(device.serve(read(0, 512))).isEqualTo(Status.OK);
  }

  @Test
  void refusesRangesThatLeaveTheDisk() {
    BlockDevice device = device();
    for (long offset : new long[] {-512, SIZE - 511, SIZE, Long.MAX_VALUE - 511, Long.MIN_VALUE}) {
      assertThat(device.serve(read(offset, 512))).isEqualTo(Status.OUT_OF_RANGE);
      assertThat(device.serve(write(offset, 512))).isEqualTo(Status.OUT_OF_RANGE);
      assertThat(device.serve(new Request.Discard(offset, 512, false)))
          .isEqualTo(Status.OUT_OF_RANGE);
      assertThat(device.serve(new Request.Cache(offset, 512))).isEqualTo(Status.OUT_OF_RANGE);
    }
    assertThat(device.serve(new Request.Discard(512, Long.MAX_VALUE - 511, false)))
        .isEqualTo(Status.OUT_OF_RANGE);
    assertThat(device.serve(new Request.Discard(512, -512, false))).isEqualTo(Status.OUT_OF_RANGE);
    assertThat(device.serve(read(SIZE, 0))).isEqualTo(Status.OK);
  }

  @Test
  void changesMustBeWholeSectorsAndReadsNeedNotBe() {
    BlockDevice device = device();
    assertThat(device.serve(read(3, 7))).isEqualTo(Status.OK);
    assertThat(device.serve(write(1, 512))).isEqualTo(Status.MISALIGNED);
    assertThat(device.serve(write(0, 511))).isEqualTo(Status.MISALIGNED);
    assertThat(device.serve(new Request.Discard(0, 100, false))).isEqualTo(Status.MISALIGNED);
    assertThat(device.serve(new Request.WriteZeroes(8, 512, true, false)))
        .isEqualTo(Status.MISALIGNED);
  }

  @Test
  void aReadOnlyDiskIsNeverChanged() throws IOException {
    BlockDevice device = device(MemoryDisk.readOnly(new byte[SIZE]), DeviceOptions.DEFAULTS);
    assertThat(device.serve(write(0, 512))).isEqualTo(Status.READ_ONLY);
    assertThat(device.serve(new Request.Discard(0, 512, false))).isEqualTo(Status.READ_ONLY);
    assertThat(device.serve(new Request.WriteZeroes(0, 512, true, false)))
        .isEqualTo(Status.READ_ONLY);
    assertThat(device.serve(new Request.Flush())).isEqualTo(Status.OK);
  }

  @Test
  void forcedUnitAccessFlushesBeforeTheAnswer() {
    BlockDevice device = device();
    var bytes = ByteBuffer.allocate(512);
    assertThat(device.serve(new Request.Write(0, bytes, true))).isEqualTo(Status.OK);
    assertThat(memory.flushes()).isEqualTo(1);
    assertThat(device.serve(new Request.Discard(0, 512, true))).isEqualTo(Status.OK);
    assertThat(memory.flushes()).isEqualTo(2);
  }

  @Test
  void zeroesAreStoredUnlessTheyMayBePunched() {
    BlockDevice device = device();
    assertThat(device.serve(write(0, 512 << 10))).isEqualTo(Status.OK);
    assertThat(device.serve(new Request.WriteZeroes(0, 300 << 10, false, false)))
        .isEqualTo(Status.OK);
    assertThat(device.serve(new Request.WriteZeroes(400 << 10, 4096, true, false)))
        .isEqualTo(Status.OK);
    var extents = new ArrayList<Extent>();
    assertThat(device.serve(new Request.Extents(0, SIZE, 100, extents))).isEqualTo(Status.OK);
    assertThat(extents)
        .containsExactly(
            new Extent(0, 400 << 10, ExtentMap.Kind.DATA),
            new Extent(400 << 10, 4096, ExtentMap.Kind.ZERO),
            new Extent(404 << 10, (512 - 404) << 10, ExtentMap.Kind.DATA),
            new Extent(512 << 10, 512 << 10, ExtentMap.Kind.HOLE));
    var zeros = read(0, 300 << 10);
    assertThat(device.serve(zeros)).isEqualTo(Status.OK);
    assertThat(zeros.into().array()).containsOnly(0);
  }

  @Test
  void extentsStopAtTheLimit() {
    BlockDevice device = device();
    for (int i = 0; i < 10; i++) {
      device.serve(write(i * 8192L, 512));
    }
    var extents = new ArrayList<Extent>();
    assertThat(device.serve(new Request.Extents(100, SIZE - 100, 3, extents))).isEqualTo(Status.OK);
    assertThat(extents)
        .containsExactly(
            new Extent(100, 412, ExtentMap.Kind.DATA),
            new Extent(512, 8192 - 512, ExtentMap.Kind.HOLE),
            new Extent(8192, 512, ExtentMap.Kind.DATA));
  }

  @Test
  void eachKindOfFailureHasItsStatus() {
    BlockDevice device = device();
    record Case(Throwable failure, Status status) {}
    var cases =
        List.of(
            new Case(new IOException("reset"), Status.IO_ERROR),
            new Case(new SocketTimeoutException("slow"), Status.TIMED_OUT),
            new Case(
                new IOException("wrapped", new SocketTimeoutException("slow")), Status.TIMED_OUT),
            new Case(new FormatException("blob", 1, "crc", 2, 3), Status.DAMAGED),
            new Case(new IOException("No space left on device"), Status.NO_SPACE),
            new Case(new IllegalStateException("a bug"), Status.IO_ERROR),
            new Case(new StackOverflowError(), Status.IO_ERROR));
    for (Case c : cases) {
      disk.play((_, _, _) -> {
        switch (c.failure) {
          case IOException e -> throw e;
          case RuntimeException e -> throw e;
          case Error e -> throw e;
          default -> throw new AssertionError(c.failure);
        }
      });
      assertThat(device.serve(read(0, 512))).as(c.toString()).isEqualTo(c.status);
    }
    assertThat(device.stats().failures())
        .containsEntry(Status.IO_ERROR, 3L)
        .containsEntry(Status.TIMED_OUT, 2L)
        .containsEntry(Status.DAMAGED, 1L)
        .containsEntry(Status.NO_SPACE, 1L);
    assertThat(device.stats().lastFailure()).isNotNull();
    disk.play((_, _, _) -> {});
    assertThat(device.serve(read(0, 512))).isEqualTo(Status.OK);
  }

  @Test
  void aFailureAfterTheDeadlineIsATimeoutInWhateverWords() {
    var now = new AtomicLong();
    var ticker =
        new Ticker() {
          @Override
          public long nanos() {
            return now.get();
          }

          @Override
          public void sleep(long nanos) throws InterruptedException {
            new CountDownLatch(1).await();
          }
        };
    BlockDevice device = device(disk, DeviceOptions.DEFAULTS.withTicker(ticker));
    var purpose = new AtomicReference<ReadContext>();
    disk.play((_, _, _) -> {
      purpose.set(ReadContext.current());
      now.addAndGet(Duration.ofSeconds(60).toNanos());
      throw new IOException("the registry said nothing");
    });
    assertThat(device.serve(read(0, 512))).isEqualTo(Status.TIMED_OUT);
    assertThat(purpose.get().purpose()).isEqualTo(ReadContext.Purpose.DEMAND);
    assertThat(purpose.get().deadline().expired()).isTrue();
  }

  @Test
  void aReadIsAnsweredEvenIfTheDiskIgnoresTheDeadline() throws Exception {
    BlockDevice device = impatient();
    var release = new CountDownLatch(1);
    disk.play((_, _, _) -> await(release));
    var overdue = new CountDownLatch(1);
    var done = new CompletableFuture<Status>();
    var buffer = ByteBuffer.allocate(512);
    device.submit(
        new Request.Read(0, buffer),
        new Completion() {
          @Override
          public void done(Status status) {
            done.complete(status);
          }

          @Override
          public void overdue() {
            overdue.countDown();
          }
        });
    overdue.await();
    assertThat(done).isNotDone();
    assertThat(device.stats().stuck()).isEqualTo(1);
    release.countDown();
    assertThat(done.get(30, TimeUnit.SECONDS)).isEqualTo(Status.OK);
    assertThat(device.serve(read(0, 512))).isEqualTo(Status.OK);
    assertThat(device.stats().stuck()).isZero();
  }

  @Test
  void aWriteIsNeverGivenUp() throws Exception {
    BlockDevice device = impatient();
    var release = new CountDownLatch(1);
    disk.play((op, _, _) -> {
      if (op == Op.WRITE) {
        await(release);
      }
    });
    var done = new CompletableFuture<Status>();
    device.submit(write(0, 512), done::complete);
    disk.play((_, _, _) -> await(release));
    assertThat(device.serve(read(0, 512))).isEqualTo(Status.TIMED_OUT); // the guard has looked
    assertThat(done).isNotDone();
    release.countDown();
    assertThat(done.get(30, TimeUnit.SECONDS)).isEqualTo(Status.OK);
  }

  @Test
  void hungReadsCannotPileUpWithoutLimit() {
    BlockDevice device = impatient();
    var release = new CountDownLatch(1);
    var reached = new AtomicLong();
    disk.play((_, _, _) -> {
      reached.incrementAndGet();
      await(release);
    });
    var answers = new ArrayList<CompletableFuture<Status>>();
    for (int i = 0; i < 1024; i++) {
      var answer = new CompletableFuture<Status>();
      answers.add(answer);
      device.submit(
          read(0, 512),
          new Completion() {
            @Override
            public void done(Status status) {
              answer.complete(status);
            }

            @Override
            public void overdue() {
              answer.complete(Status.TIMED_OUT);
            }
          });
    }
    answers.forEach(answer -> assertThat(answer.join()).isEqualTo(Status.TIMED_OUT));
    assertThat(device.serve(read(0, 512))).isEqualTo(Status.TIMED_OUT);
    assertThat(reached).hasValue(1024);
    release.countDown();
  }

  @Test
  void drainingWaitsForRequestsInFlightAndRefusesNewOnes() throws Exception {
    BlockDevice device = device();
    var inside = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    disk.play((op, _, _) -> {
      if (op == Op.WRITE) {
        inside.countDown();
        await(release);
      }
    });
    var written = new CompletableFuture<Status>();
    device.submit(write(0, 512), written::complete);
    inside.await();
    var drained = CompletableFuture.supplyAsync(() -> drain(device), Thread::startVirtualThread);
    while (device.state() instanceof DeviceState.Serving) {
      Thread.onSpinWait();
    }
    assertThat(device.serve(read(0, 512))).isEqualTo(Status.SHUTTING_DOWN);
    assertThat(memory.isClosed()).isFalse();
    release.countDown();
    assertThat(drained.get()).isEqualTo(new DeviceState.Closed());
    assertThat(written.get()).isEqualTo(Status.OK);
    assertThat(memory.isClosed()).isTrue();
    assertThat(memory.flushes()).isEqualTo(1);
    assertThat(drain(device)).isEqualTo(new DeviceState.Closed());
  }

  @Test
  void drainingGivesUpOnRequestsThatNeverEnd() throws Exception {
    BlockDevice device = device();
    var release = new CountDownLatch(1);
    disk.play((op, _, _) -> {
      if (op == Op.READ) {
        await(release);
      }
    });
    var read = new CompletableFuture<Status>();
    device.submit(read(0, 512), read::complete);
    assertThat(device.drain(Duration.ofMillis(50))).isEqualTo(new DeviceState.Closed());
    release.countDown();
    assertThat(read.get()).isEqualTo(Status.IO_ERROR); // the disk is closed
  }

  @Test
  void aFailingLastFlushIsAFailedDevice() {
    BlockDevice device = new BlockDevice("test", disk, DeviceOptions.DEFAULTS);
    disk.play((op, _, _) -> {
      if (op == Op.FLUSH) {
        throw new IOException("No space left on device");
      }
    });
    assertThat(drain(device)).isEqualTo(new DeviceState.Failed("flush: No space left on device"));
    assertThat(memory.isClosed()).isTrue();
  }

  @Test
  void aDiskThatReadsTooLittleIsAnError() {
    BlockDevice device =
        device(
            new ScriptedDisk(memory) {
              @Override
              public void read(long offset, ByteBuffer dst) {}
            },
            DeviceOptions.DEFAULTS);
    assertThat(device.serve(read(0, 512))).isEqualTo(Status.IO_ERROR);
  }

  @Test
  void countsRequestsBytesAndLatencies() {
    BlockDevice device = device();
    for (int i = 0; i < 100; i++) {
      device.serve(read(0, 512));
    }
    DeviceStats.OpStats reads = device.stats().ops().get(Op.READ);
    assertThat(reads.count()).isEqualTo(100);
    assertThat(reads.bytes()).isEqualTo(51200);
    assertThat(reads.latency().medianNanos())
        .isPositive()
        .isLessThanOrEqualTo(reads.latency().p99Nanos());
    assertThat(device.stats().ops()).doesNotContainKey(Op.WRITE);
  }

  private static DeviceState drain(BlockDevice device) {
    try {
      return device.drain(Duration.ofSeconds(30));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
