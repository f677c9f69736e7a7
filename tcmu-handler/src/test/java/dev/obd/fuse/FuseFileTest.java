package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Disk;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.Op;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.ScriptedDisk;
import dev.obd.backstore.device.Status;
import dev.obd.mount.MountTable;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The file, through the kernel. Its readers are other processes or platform threads. */
@Timeout(120)
class FuseFileTest {
  private static final int SIZE = 5 << 20;

  @TempDir Path dir;
  private Path file;

  @BeforeEach
  void needsFuse() throws IOException {
    file = dir.toRealPath().resolve("disk.img");
    Machine.assumeCan(uri(""));
  }

  private URI uri(String query) {
    return URI.create("fuse://" + file + query);
  }

  private Export export(BlockDevice device) throws Exception {
    return new FuseFrontend().export(device, uri(""));
  }

  private static BlockDevice device(Disk disk) {
    return new BlockDevice("test", disk, DeviceOptions.DEFAULTS);
  }

  private static byte[] randomBytes(int length) {
    byte[] bytes = new byte[length];
    new SplittableRandom(length).nextBytes(bytes);
    return bytes;
  }

  @Test
  void readsAsTheDiskAndIsGoneAfterwards() throws Exception {
    byte[] content = randomBytes(SIZE + 512); // does not end at a page
    try (var device = device(MemoryDisk.readOnly(content));
        Export export = export(device)) {
      assertThat(export.address()).isEqualTo(file.toString());
      assertThat(Files.readAllBytes(file)).isEqualTo(content);
      Path copy = dir.resolve("copy");
      Machine.run("dd", "if=" + file, "of=" + copy, "bs=64k", "iflag=direct").ok();
      assertThat(Files.readAllBytes(copy)).isEqualTo(content);
      assertThat(Machine.run("stat", "-c", "%F %s %a", file).ok().strip())
          .isEqualTo("regular file " + content.length + " 400");
    }
    assertThat(file).doesNotExist();
    assertThat(MountTable.read().at(file)).isEmpty();
  }

  @Test
  void aReadOnlyDiskIsAReadOnlyFile() throws Exception {
    try (var device = device(MemoryDisk.readOnly(randomBytes(SIZE)));
        Export _ = export(device)) {
      assertThatThrownBy(() -> Files.newByteChannel(file, StandardOpenOption.WRITE))
          .hasMessageContaining("Read-only file system");
    }
  }

  @Test
  void takesWritesOfAnySizeAtAnyPlace() throws Exception {
    byte[] model = new byte[SIZE];
    var random = new SplittableRandom(3);
    try (var device = device(MemoryDisk.writable(SIZE));
        Export _ = export(device)) {
      try (var out = FileChannel.open(file, StandardOpenOption.WRITE)) {
        for (int i = 0; i < 200; i++) {
          byte[] data = new byte[random.nextInt(1, 10_000)];
          random.nextBytes(data);
          int at = random.nextInt(SIZE - data.length);
          assertThat(out.write(ByteBuffer.wrap(data), at)).isEqualTo(data.length);
          System.arraycopy(data, 0, model, at, data.length);
        }
        assertThatThrownBy(() -> out.write(ByteBuffer.allocate(512), SIZE))
            .hasMessageContaining("No space left");
        assertThat(out.write(ByteBuffer.allocate(1024), SIZE - 512)).isEqualTo(512);
        System.arraycopy(new byte[512], 0, model, SIZE - 512, 512);
        assertThatThrownBy(() -> out.truncate(0)).hasMessageContaining("not permitted");
      }
      assertThat(content(device)).isEqualTo(model);
      assertThat(Files.readAllBytes(file)).isEqualTo(model);
    }
  }

  @Test
  void fsyncAndTheCloseOfAWriterReachTheDisk() throws Exception {
    MemoryDisk disk = MemoryDisk.writable(SIZE);
    try (var device = device(disk);
        Export _ = export(device)) {
      try (var out = FileChannel.open(file, StandardOpenOption.WRITE)) {
        out.write(ByteBuffer.allocate(512), 0);
        out.force(true);
        assertThat(disk.flushes()).isEqualTo(1);
      }
      assertThat(disk.flushes()).isEqualTo(2);
      Files.readAllBytes(file);
      assertThat(disk.flushes()).isEqualTo(2);
    }
  }

  @Test
  void holesCanBePunchedAndFound() throws Exception {
    Machine.assumePrograms("fallocate", "qemu-img");
    MemoryDisk disk = MemoryDisk.writable(randomBytes(SIZE));
    byte[] model = randomBytes(SIZE);
    try (var device = device(disk);
        Export _ = export(device)) {
      Machine.run("fallocate", "-p", "-o", "65536", "-l", "131072", file).ok();
      Machine.run("fallocate", "-z", "-n", "-o", "1048577", "-l", "5000", file).ok();
      java.util.Arrays.fill(model, 65536, 65536 + 131072, (byte) 0);
      java.util.Arrays.fill(model, 1048577, 1048577 + 5000, (byte) 0);
      assertThat(Files.readAllBytes(file)).isEqualTo(model);
      assertThat(Machine.run("fallocate", "-l", "1000", file).exit()).isNotZero();
      String map = Machine.run("qemu-img", "map", "-f", "raw", "--output=json", file).ok();
      assertThat(map)
          .contains(
              "\"start\": 65536, \"length\": 131072, \"depth\": 0, \"present\": true, \"zero\": true");
    }
  }

  @Test
  void fioVerifiesWhatItWrote() throws Exception {
    Machine.assumePrograms("fio");
    try (var device = device(MemoryDisk.writable(16 << 20));
        Export _ = export(device)) {
      fio(file);
    }
  }

  /** Random writes of mixed sizes, many at once, then reads them all and checks. */
  static void fio(Path target) throws Exception {
    Machine.run(
            "fio",
            "--name=v",
            "--filename=" + target,
            "--size=16m",
            "--rw=randwrite",
            "--bsrange=512-128k",
            "--blockalign=512",
            "--direct=1",
            "--ioengine=libaio",
            "--iodepth=16",
            "--verify=crc32c",
            "--verify_fatal=1",
            "--verify_state_save=0",
            "--end_fsync=1",
            "--randseed=5",
            "--output-format=terse")
        .ok();
  }

  @Test
  void anErrorOfTheDiskIsAnErrorOfTheRead() throws Exception {
    var disk = new ScriptedDisk(MemoryDisk.readOnly(randomBytes(SIZE)));
    disk.play((op, offset, length) -> {
      if (op == Op.READ && offset + length > 1 << 20) {
        throw new IOException("the disk broke here, on purpose");
      }
    });
    try (var device = device(disk);
        Export _ = export(device)) {
      var broken = Machine.run("dd", "if=" + file, "of=/dev/null", "bs=4k", "skip=300", "count=1");
      assertThat(broken.exit()).isNotZero();
      assertThat(broken.output()).contains("Input/output error");
      Machine.run("dd", "if=" + file, "of=/dev/null", "bs=4k", "count=1").ok();
      disk.play((_, _, _) -> {});
      Machine.run("dd", "if=" + file, "of=/dev/null", "bs=4k", "skip=300", "count=1").ok();
    }
  }

  @Test
  void aReadThatHangsInTheDiskIsAnErrorInTime() throws Exception {
    var release = new CountDownLatch(1);
    var disk = new ScriptedDisk(MemoryDisk.readOnly(randomBytes(SIZE)));
    disk.play((_, _, _) -> await(release));
    var options =
        DeviceOptions.DEFAULTS
            .withReadPatience(Duration.ofSeconds(2))
            .withHangGrace(Duration.ofSeconds(1));
    try (var device = new BlockDevice("hangs", disk, options);
        Export _ = export(device)) {
      var hung =
          Machine.run("dd", "if=" + file, "of=/dev/null", "bs=4k", "count=1", "iflag=direct");
      assertThat(hung.output()).contains("Input/output error");
      release.countDown();
      disk.play((_, _, _) -> {});
      Machine.run("dd", "if=" + file, "of=/dev/null", "bs=4k", "count=1", "iflag=direct").ok();
    }
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Test
  void manySlowReadsAreUnderWayAtOnce() throws Exception {
    int readers = 32;
    var together = new CyclicBarrier(readers);
    var disk = new ScriptedDisk(MemoryDisk.readOnly(randomBytes(SIZE)));
    disk.play((_, _, _) -> {
      try {
        together.await(60, TimeUnit.SECONDS); // ends only if all are in the disk
      } catch (Exception e) {
        throw new IOException(e);
      }
    });
    try (var device = device(disk);
        Export _ = export(device)) {
      var all = new ArrayList<Process>();
      for (int i = 0; i < readers; i++) {
        all.add(
            Machine.start(
                "dd",
                "if=" + file,
                "of=/dev/null",
                "bs=4k",
                "count=1",
                "skip=" + 16 * i,
                "iflag=direct"));
      }
      for (Process reader : all) {
        assertThat(reader.waitFor(90, TimeUnit.SECONDS)).isTrue();
        assertThat(reader.exitValue()).isZero();
      }
    }
  }

  @Test
  void aFileInUseIsNotTakenAway() throws Exception {
    byte[] content = randomBytes(SIZE);
    try (var device = device(MemoryDisk.readOnly(content))) {
      Export export = export(device);
      try (var in = FileChannel.open(file, StandardOpenOption.READ)) {
        assertThatThrownBy(export::close)
            .isInstanceOf(IOException.class)
            .hasMessageContaining("cannot unmount " + file)
            .hasMessageContaining("busy");
        ByteBuffer last = ByteBuffer.allocate(16);
        assertThat(in.read(last, SIZE - 16)).isEqualTo(16);
        assertThat(last.array()).isEqualTo(java.util.Arrays.copyOfRange(content, SIZE - 16, SIZE));
      }
      export.close();
      export.close();
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void byForceItIsTakenAwayAndNobodyHangs() throws Exception {
    var disk = new ScriptedDisk(MemoryDisk.readOnly(randomBytes(SIZE)));
    var inside = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    disk.play((_, _, _) -> {
      inside.countDown();
      await(release);
    });
    try (var device = device(disk)) {
      Export export = new FuseFrontend().export(device, uri("?force=1"));
      Process reader = Machine.start("dd", "if=" + file, "of=/dev/null", "bs=4k", "iflag=direct");
      await(inside);
      var closing =
          CompletableFuture.runAsync(
              () -> {
                try {
                  export.close();
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              },
              task -> Thread.ofPlatform().start(task));
      assertThat(reader.waitFor(60, TimeUnit.SECONDS)).isTrue(); // though the disk still hangs
      assertThat(reader.exitValue()).isNotZero();
      release.countDown();
      closing.get(60, TimeUnit.SECONDS);
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void aKilledReaderDoesNotStopTheOthers() throws Exception {
    var disk = new ScriptedDisk(MemoryDisk.readOnly(randomBytes(SIZE)));
    var inside = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    var calls = new AtomicInteger();
    disk.play((_, _, _) -> {
      if (calls.getAndIncrement() == 0) {
        inside.countDown();
        await(release);
      }
    });
    try (var device = device(disk);
        Export _ = export(device)) {
      Process reader = Machine.start("dd", "if=" + file, "of=/dev/null", "bs=4k", "count=1");
      await(inside);
      reader.destroyForcibly();
      Machine.run("dd", "if=" + file, "of=/dev/null", "bs=4k", "skip=500", "iflag=direct").ok();
      release.countDown();
      assertThat(reader.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aFileThatHoldsSomethingIsNotHidden() throws Exception {
    Files.writeString(file, "precious");
    try (var device = device(MemoryDisk.readOnly(randomBytes(SIZE)))) {
      assertThatThrownBy(() -> export(device)).hasMessageContaining("is not empty");
    }
    assertThat(file).hasContent("precious");
  }

  @Test
  void anEmptyFileStaysAndADirectoryGetsAFile() throws Exception {
    Files.createFile(file);
    try (var device = device(MemoryDisk.readOnly(randomBytes(SIZE)))) {
      export(device).close();
      assertThat(file).isEmptyFile();
      Files.delete(file);
      Files.createDirectory(file);
      try (Export export = export(device)) {
        assertThat(export.address()).isEqualTo(file.resolve("disk").toString());
        assertThat(Files.size(file.resolve("disk"))).isEqualTo(SIZE);
      }
      assertThat(file).isEmptyDirectory();
    }
  }

  @Test
  void whatIsServedAlreadyIsNotServedAgain() throws Exception {
    try (var device = device(MemoryDisk.readOnly(randomBytes(SIZE)));
        Export _ = export(device)) {
      assertThatThrownBy(() -> export(device)).hasMessageContaining("is being served already");
      assertThat(Files.size(file)).isEqualTo(SIZE);
    }
  }

  @Test
  void canBeExportedFromAVirtualThread() throws Exception {
    try (var device = device(MemoryDisk.readOnly(randomBytes(SIZE)))) {
      var done = new CompletableFuture<String>();
      Thread.ofVirtual()
          .start(() -> {
            try {
              Export export = export(device);
              export.close();
              done.complete(export.address());
            } catch (Exception e) {
              done.completeExceptionally(e);
            }
          });
      assertThat(done.get(60, TimeUnit.SECONDS)).isEqualTo(file.toString());
    }
  }

  static byte[] content(BlockDevice device) {
    ByteBuffer all = ByteBuffer.allocate((int) device.size());
    assertThat(device.serve(new Request.Read(0, all))).isEqualTo(Status.OK);
    return all.array();
  }
}
