package dev.obd.backstore.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.obd.io.FormatException;
import java.io.Closeable;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every front-end does for its clients, whatever its protocol. */
@Timeout(120)
public abstract class DeviceFrontendContract {
  /** A client of one export, as plain as possible. Failures are IOExceptions. */
  public interface Client extends Closeable {
    void read(long offset, ByteBuffer dst) throws IOException;

    void write(long offset, ByteBuffer src) throws IOException;

    void discard(long offset, long length) throws IOException;

    void flush() throws IOException;
  }

  private static final int SIZE = 4 << 20;

  @TempDir private Path directory;
  private final List<Closeable> open = new ArrayList<>();

  /** The front-end under test. */
  protected abstract DeviceFrontend frontend();

  /** An address to export at; {@code directory} is empty and the test's own. */
  protected abstract URI where(Path directory);

  /** A new client of {@code export}. */
  protected abstract Client connect(Export export) throws IOException;

  /** A seed that never changes, and one that does; both are in the test's name. */
  static long[] seeds() {
    return new long[] {1, 2, System.nanoTime()};
  }

  @BeforeEach
  void frontendMustBeAvailable() {
    var missing = frontend().unavailableBecause();
    assumeTrue(missing.isEmpty(), () -> missing.orElse(""));
  }

  @AfterEach
  void closeEverything() throws IOException {
    for (Closeable c : open.reversed()) {
      c.close();
    }
  }

  private BlockDevice device(Disk disk, DeviceOptions options) {
    var device = new BlockDevice("contract", disk, options);
    open.add(device);
    return device;
  }

  private BlockDevice device(Disk disk) {
    return device(disk, DeviceOptions.DEFAULTS);
  }

  private Export export(BlockDevice device) throws IOException, InterruptedException {
    Export export = frontend().export(device, where(directory));
    open.add(export);
    return export;
  }

  private Client client(Export export) throws IOException {
    Client client = connect(export);
    open.add(client);
    return client;
  }

  private static byte[] random(long seed, int length) {
    byte[] bytes = new byte[length];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  @Test
  void readsAnyRangeOfTheDisk() throws Exception {
    byte[] content = random(1, SIZE);
    Client client = client(export(device(MemoryDisk.readOnly(content))));
    var random = new SplittableRandom(7);
    for (int i = 0; i < 200; i++) {
      int length = 1 + random.nextInt(i % 10 == 0 ? 1 << 20 : 9000);
      int offset = random.nextInt(SIZE - length + 1);
      var dst = ByteBuffer.allocate(length);
      client.read(offset, dst);
      assertThat(dst.array()).isEqualTo(Arrays.copyOfRange(content, offset, offset + length));
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void theDiskHoldsWhatClientsWroteAndDiscarded(long seed) throws Exception {
    var disk = MemoryDisk.writable(SIZE);
    Client client = client(export(device(disk)));
    byte[] model = new byte[SIZE];
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 300; i++) {
      int length = 4096 * (1 + random.nextInt(32));
      int offset = 4096 * random.nextInt((SIZE - length) / 4096 + 1);
      switch (random.nextInt(4)) {
        case 0 -> {
          client.discard(offset, length);
          Arrays.fill(model, offset, offset + length, (byte) 0);
        }
        case 1 -> {
          var dst = ByteBuffer.allocate(length);
          client.read(offset, dst);
          assertThat(dst.array()).isEqualTo(Arrays.copyOfRange(model, offset, offset + length));
        }
        default -> {
          byte[] bytes = random(random.nextLong(), length);
          client.write(offset, ByteBuffer.wrap(bytes));
          System.arraycopy(bytes, 0, model, offset, length);
        }
      }
    }
    client.flush();
    assertThat(disk.flushes()).isPositive();
    var all = ByteBuffer.allocate(SIZE);
    disk.read(0, all);
    assertThat(all.array()).isEqualTo(model);
  }

  @Test
  void manyClientsReadAtOnce() throws Exception {
    byte[] content = random(3, SIZE);
    Export export = export(device(MemoryDisk.readOnly(content)));
    inParallel(
        8,
        worker -> {
          try (Client client = connect(export)) {
            var random = new SplittableRandom(worker);
            for (int i = 0; i < 200; i++) {
              int length = 1 + random.nextInt(64 << 10);
              int offset = random.nextInt(SIZE - length + 1);
              var dst = ByteBuffer.allocate(length);
              client.read(offset, dst);
              assertThat(dst.array())
                  .isEqualTo(Arrays.copyOfRange(content, offset, offset + length));
            }
            return null;
          }
        });
  }

  @Test
  void aSlowReadHoldsUpNobodyElse() throws Exception {
    var disk = new ScriptedDisk(MemoryDisk.readOnly(random(4, SIZE)));
    Export export = export(device(disk));
    var slow = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    disk.play((op, offset, length) -> {
      if (op == Op.READ && offset <= 0 && length > 0) {
        slow.countDown();
        await(release);
      }
    });
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> first =
          executor.submit(() -> {
            try (Client client = connect(export)) {
              client.read(0, ByteBuffer.allocate(4096));
              return null;
            }
          });
      slow.await();
      client(export).read(2 << 20, ByteBuffer.allocate(4096));
      assertThat(first).isNotDone();
      release.countDown();
      first.get(60, TimeUnit.SECONDS);
    } finally {
      release.countDown();
    }
  }

  @Test
  void aReadOnlyDeviceRefusesEveryChange() throws Exception {
    byte[] content = random(5, SIZE);
    Export export = export(device(MemoryDisk.readOnly(content)));
    assertThatThrownBy(
            () -> {
              try (Client client = connect(export)) {
                client.write(0, ByteBuffer.allocate(4096));
                client.flush();
              }
            })
        .isInstanceOf(IOException.class);
    var dst = ByteBuffer.allocate(4096);
    client(export).read(0, dst);
    assertThat(dst.array()).isEqualTo(Arrays.copyOf(content, 4096));
  }

  @Test
  void everyFailureOfTheDiskReachesTheClientAndPasses() throws Exception {
    byte[] content = random(6, SIZE);
    var disk = new ScriptedDisk(MemoryDisk.readOnly(content));
    Export export = export(device(disk));
    List<IOException> failures =
        List.of(
            new IOException("reset"),
            new SocketTimeoutException("slow"),
            new FormatException("blob", 0, "crc", 1, 2));
    for (int i = 0; i < failures.size(); i++) {
      IOException failure = failures.get(i);
      disk.play((op, _, _) -> {
        if (op == Op.READ) {
          throw failure;
        }
      });
      long offset = (long) i << 20; // no page cache has seen it
      try (Client client = connect(export)) {
        assertThatThrownBy(() -> client.read(offset, ByteBuffer.allocate(4096)))
            .isInstanceOf(IOException.class);
        disk.play((_, _, _) -> {});
        var dst = ByteBuffer.allocate(4096);
        client.read(offset, dst);
        assertThat(dst.array())
            .isEqualTo(Arrays.copyOfRange(content, (int) offset, (int) offset + 4096));
      }
    }
  }

  @Test
  void aFullDiskReachesTheClientAtTheLatestWithTheFlush() throws Exception {
    var disk = new ScriptedDisk(MemoryDisk.writable(SIZE));
    Export export = export(device(disk));
    disk.play((op, _, _) -> {
      if (op == Op.WRITE) {
        throw new IOException("No space left on device");
      }
    });
    Client client = client(export);
    assertThatThrownBy(
            () -> {
              client.write(0, ByteBuffer.allocate(4096));
              client.flush();
            })
        .isInstanceOf(IOException.class);
    disk.play((_, _, _) -> {});
  }

  @Test
  void aHungDiskNeverHangsAReader() throws Exception {
    var disk = new ScriptedDisk(MemoryDisk.readOnly(random(8, SIZE)));
    Export export =
        export(
            device(
                disk,
                DeviceOptions.DEFAULTS
                    .withReadPatience(Duration.ofMillis(400))
                    .withHangGrace(Duration.ofMillis(400))));
    var release = new CountDownLatch(1);
    disk.play((_, _, _) -> await(release));
    try {
      Client client = client(export);
      assertThatThrownBy(() -> client.read(0, ByteBuffer.allocate(4096)))
          .isInstanceOf(IOException.class);
    } finally {
      disk.play((_, _, _) -> {});
      release.countDown();
    }
    client(export).read(1 << 20, ByteBuffer.allocate(4096));
  }

  @Test
  void closingUnderLoadEndsEveryClientAndLeavesNothingInFlight() throws Exception {
    BlockDevice device = device(MemoryDisk.readOnly(random(9, SIZE)));
    Export export = export(device);
    var started = new CountDownLatch(4);
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      var readers = new ArrayList<Future<?>>();
      for (int i = 0; i < 4; i++) {
        long seed = i;
        readers.add(
            executor.submit(() -> {
              var random = new SplittableRandom(seed);
              try (Client client = connect(export)) {
                while (true) {
                  client.read(random.nextInt(SIZE - 4096), ByteBuffer.allocate(4096));
                  started.countDown();
                }
              } catch (IOException expected) {
                return null;
              }
            }));
      }
      started.await();
      export.close();
      for (Future<?> reader : readers) {
        reader.get(60, TimeUnit.SECONDS);
      }
    }
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (device.stats().inFlight() > 0 && System.nanoTime() < limit) {
      Thread.onSpinWait(); // an answer may be out a moment before its request is off the books
    }
    assertThat(device.stats().inFlight()).isZero();
    assertThat(device.drain(Duration.ofSeconds(10))).isEqualTo(new DeviceState.Closed());
    export.close(); // again
  }

  @Test
  void anAddressCanBeUsedAgainAfterClosing() throws Exception {
    BlockDevice device = device(MemoryDisk.readOnly(random(10, SIZE)));
    for (int i = 0; i < 3; i++) {
      Export export = frontend().export(device, where(directory));
      try (export;
          Client client = connect(export)) {
        client.read(0, ByteBuffer.allocate(512));
      }
    }
  }

  @Test
  void aDrainedDeviceAnswersWithAnErrorNotWithSilence() throws Exception {
    BlockDevice device = device(MemoryDisk.readOnly(random(11, SIZE)));
    Client client = client(export(device));
    client.read(0, ByteBuffer.allocate(4096));
    device.drain(Duration.ofSeconds(10));
    assertThatThrownBy(() -> client.read(2 << 20, ByteBuffer.allocate(4096)))
        .isInstanceOf(IOException.class);
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @FunctionalInterface
  private interface Work {
    Object run(int worker) throws Exception;
  }

  private static void inParallel(int workers, Work work) throws Exception {
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      var tasks = new ArrayList<Callable<Object>>();
      for (int i = 0; i < workers; i++) {
        int worker = i;
        tasks.add(() -> work.run(worker));
      }
      for (Future<Object> done : executor.invokeAll(tasks)) {
        done.get();
      }
    }
  }
}
