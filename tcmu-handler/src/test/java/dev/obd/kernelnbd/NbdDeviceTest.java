package dev.obd.kernelnbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.FileDisk;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.ResizableDisk;
import dev.obd.host.FrontendServer;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a user does with a node, and what remains of it. */
@InGuest(limitSeconds = 400)
@Timeout(240)
class NbdDeviceTest {
  private static final URI ANY = URI.create("nbd-device:///");

  @TempDir private Path dir;
  private final NbdDeviceFrontend frontend = new NbdDeviceFrontend();
  private final List<FrontendServer.Child> children = new ArrayList<>();

  @AfterEach
  void noChildStays() throws Exception {
    for (FrontendServer.Child child : children) {
      child.kill();
    }
    frontend.clearStale(ANY);
  }

  private FrontendServer.Child serve(String... args) throws IOException {
    var child = FrontendServer.start(args);
    children.add(child);
    return child;
  }

  private static BlockDevice device(int mebibytes) {
    return new BlockDevice(
        "disk", MemoryDisk.writable((long) mebibytes << 20), DeviceOptions.DEFAULTS);
  }

  /** A file system with files of many sizes in a file. */
  private Path ext4(Path tree) throws Exception {
    Tools.requireOnPath("mke2fs", "e2fsck");
    Files.createDirectories(tree.resolve("a/b"));
    var random = new Random(7);
    for (int i = 0; i < 40; i++) {
      byte[] content = new byte[random.nextInt(1 << random.nextInt(1, 19))];
      random.nextBytes(content);
      Files.write(tree.resolve(i % 2 == 0 ? "a/f" + i : "a/b/f" + i), content);
    }
    Path image = dir.resolve("ext4");
    Processes.run("mke2fs", "-q", "-t", "ext4", "-d", tree.toString(), image.toString(), "32M");
    return image;
  }

  private static String digests(Path directory) throws Exception {
    return Processes.run(
            "sh",
            "-c",
            "cd \"$0\" && find . -path ./lost+found -prune -o -type f -print | LC_ALL=C sort"
                + " | xargs sha256sum",
            directory.toString())
        .text();
  }

  private Path mounted(String node, String... options) throws Exception {
    Path at = Files.createDirectories(dir.resolve("mnt"));
    var command = new ArrayList<>(List.of("mount", node, at.toString()));
    command.addAll(List.of(options));
    Processes.run(command.toArray(String[]::new));
    return at;
  }

  @Test
  void aFileSystemIsMountedReadAndWritten() throws Exception {
    Path tree = dir.resolve("tree");
    Path image = ext4(tree);
    try (var device = new BlockDevice("fs", FileDisk.open(image), DeviceOptions.DEFAULTS)) {
      try (Export export = frontend.export(device, ANY)) {
        Path at = mounted(export.address());
        assertThat(digests(at)).isEqualTo(digests(tree));
        Files.writeString(at.resolve("new"), "written through the device");
        Files.writeString(tree.resolve("new"), "written through the device");
        Processes.run("umount", at.toString());
      }
    }
    Processes.run("e2fsck", "-fn", image.toString());
    Processes.run("mount", "-o", "loop,ro", image.toString(), dir.resolve("mnt").toString());
    assertThat(digests(dir.resolve("mnt"))).isEqualTo(digests(tree));
    Processes.run("umount", dir.resolve("mnt").toString());
  }

  @Test
  void aReadOnlyDeviceIsReadOnlyToTheKernel() throws Exception {
    Path tree = dir.resolve("tree");
    byte[] image = Files.readAllBytes(ext4(tree));
    try (var device = new BlockDevice("ro", MemoryDisk.readOnly(image), DeviceOptions.DEFAULTS)) {
      try (Export export = frontend.export(device, ANY)) {
        Path at = mounted(export.address(), "-o", "ro");
        assertThat(digests(at)).isEqualTo(digests(tree));
        Processes.run("umount", at.toString());
        assertThat(Processes.run("blockdev", "--getro", export.address()).text().strip())
            .isEqualTo("1");
      }
    }
  }

  @Test
  void aMountedDeviceIsNotTakenAwayUnlessForced() throws Exception {
    Path image = ext4(dir.resolve("tree"));
    try (var device = new BlockDevice("busy", FileDisk.open(image), DeviceOptions.DEFAULTS)) {
      Export export = frontend.export(device, ANY);
      Path at = mounted(export.address());
      assertThatThrownBy(export::close)
          .isInstanceOf(BusyException.class)
          .hasMessageContaining(export.address());
      assertThat(digests(at)).isEqualTo(digests(dir.resolve("tree"))); // all is as before
      export.close(true);
      Processes.run(Duration.ofMinutes(1), null, List.of("umount", at.toString()));
      assertThat(frontend.clearStale(ANY)).isEmpty();
      export.close(); // again
    }
  }

  @Test
  void manyDevicesAreThereAtOnceAlsoMoreThanThereWereNodes() throws Exception {
    int count = 20;
    try (var executor = Executors.newFixedThreadPool(8)) {
      var starts = new ArrayList<Callable<Export>>();
      for (int i = 0; i < count; i++) {
        byte mark = (byte) i;
        starts.add(() -> {
          var disk = MemoryDisk.writable(1 << 20);
          disk.write(4096, ByteBuffer.wrap(filled(mark)));
          return frontend.export(new BlockDevice("many" + mark, disk, DeviceOptions.DEFAULTS), ANY);
        });
      }
      var exports = new ArrayList<Export>();
      for (Future<Export> started : executor.invokeAll(starts)) {
        exports.add(started.get());
      }
      var nodes = new HashSet<String>();
      for (int i = 0; i < count; i++) {
        assertThat(nodes.add(exports.get(i).address())).isTrue();
        try (var client = new BlockDeviceClient(Path.of(exports.get(i).address()))) {
          var dst = ByteBuffer.allocate(4096);
          client.read(4096, dst);
          assertThat(dst.array()).isEqualTo(filled((byte) i));
        }
      }
      for (Export export : exports) {
        export.close();
      }
    }
    assertThat(NbdNode.all()).noneMatch(NbdNode::isConnected);
  }

  private static byte[] filled(byte mark) {
    byte[] block = new byte[4096];
    java.util.Arrays.fill(block, mark);
    return block;
  }

  @Test
  void aChosenNodeIsUsedByOneDeviceOnly() throws Exception {
    URI third = URI.create("nbd-device:///nbd3");
    try (var a = device(1);
        var b = device(1)) {
      try (Export export = frontend.export(a, third)) {
        assertThat(export.address()).isEqualTo("/dev/nbd3");
        assertThatThrownBy(() -> frontend.export(b, third)).hasMessageContaining("/dev/nbd3");
        assertThatThrownBy(() -> frontend.resume(a, third, "/dev/nbd3"))
            .hasMessageContaining("another process");
      }
      assertThat(frontend.resume(a, third, "/dev/nbd3")).isEmpty();
      frontend.export(b, third).close();
    }
  }

  @Test
  void severalConnectionsShareTheLoad() throws Exception {
    Tools.requireOnPath("fio");
    try (var device = device(64)) {
      try (Export export =
          frontend.export(device, URI.create("nbd-device:///?connections=4&block=4096"))) {
        Processes.run(
            "fio",
            "--name=v",
            "--filename=" + export.address(),
            "--rw=randrw",
            "--bs=4k",
            "--size=64m",
            "--io_size=16m",
            "--ioengine=libaio",
            "--direct=1",
            "--iodepth=16",
            "--verify=crc32c");
      }
    }
  }

  @Test
  void aNewSizeIsKnownAtOnce() throws Exception {
    Path file = dir.resolve("grows");
    sized(file, 8 << 20);
    var disk = new ResizableDisk(FileDisk.open(file), 8 << 20);
    try (var device = new BlockDevice("grows", disk, DeviceOptions.DEFAULTS);
        Export export = frontend.export(device, ANY)) {
      sized(file, 16 << 20);
      disk.resize(16 << 20);
      assertThat(export.resized()).isEmpty();
      assertThat(Processes.run("blockdev", "--getsize64", export.address()).text().strip())
          .isEqualTo("" + (16 << 20));
    }
  }

  private static void sized(Path file, long bytes) throws IOException {
    try (var raw = new RandomAccessFile(file.toFile(), "rw")) {
      raw.setLength(bytes);
    }
  }

  /** A process that ends in order leaves its devices to the next one, which finds every request. */
  @Test
  void verifiedIoGoesOnOverServersThatLeave() throws Exception {
    Tools.requireOnPath("fio");
    Path file = dir.resolve("left");
    sized(file, 32 << 20);
    URI where = URI.create("nbd-device:///?dead=120");
    var device = new BlockDevice("left", FileDisk.open(file), DeviceOptions.DEFAULTS);
    Export export = frontend.export(device, where);
    String node = export.address();
    Process fio =
        new ProcessBuilder(
                "fio",
                "--name=v",
                "--filename=" + node,
                "--rw=randrw",
                "--bs=4k-64k",
                "--size=32m",
                "--time_based=1",
                "--runtime=8",
                "--ioengine=libaio",
                "--direct=1",
                "--iodepth=16",
                "--verify=crc32c",
                "--verify_backlog=64")
            .redirectErrorStream(true)
            .start();
    int changes = 0;
    while (!fio.waitFor(1, TimeUnit.SECONDS)) {
      assertThat(export.leave()).isTrue();
      assertThat(export.leave()).as("left already").isFalse();
      device.close();
      device = new BlockDevice("left", FileDisk.open(file), DeviceOptions.DEFAULTS);
      export = frontend.resume(device, where, node).orElseThrow();
      changes++;
    }
    assertThat(fio.exitValue())
        .as(new String(fio.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .isZero();
    assertThat(changes).isPositive();
    export.close();
    device.close();
  }

  /** The kernel waits {@code timeout} for what the dead server was asked, then asks the next. */
  @Test
  void verifiedIoSurvivesServersThatAreKilled() throws Exception {
    assertThat(killsSurvived("nbd-device:///?timeout=5&dead=120", 25, 6)).isGreaterThan(1);
  }

  /** A kernel that waits for ever for an answer looks for a new connection every 30 s. */
  @Test
  void aKernelThatWaitsForEverAsksTheNextServerToo() throws Exception {
    assertThat(killsSurvived("nbd-device:///?timeout=0&dead=120", 20, 90)).isPositive();
  }

  private int killsSurvived(String where, int seconds, int pause) throws Exception {
    Tools.requireOnPath("fio");
    Path file = dir.resolve("disk");
    sized(file, 64 << 20);
    var child = serve(where, file.toString());
    String node = child.node().toString();
    Process fio =
        new ProcessBuilder(
                "fio",
                "--name=v",
                "--filename=" + node,
                "--rw=randrw",
                "--bs=4k-64k",
                "--size=64m",
                "--time_based=1",
                "--runtime=" + seconds,
                "--ioengine=libaio",
                "--direct=1",
                "--iodepth=16",
                "--verify=crc32c",
                "--verify_backlog=64")
            .redirectErrorStream(true)
            .start();
    int kills = 0;
    while (!fio.waitFor(2, TimeUnit.SECONDS)) {
      child.kill();
      kills++;
      child = serve(where, file.toString(), node);
      assertThat(child.node()).hasToString(node);
      // Until what was outstanding has been asked again.
      boolean _ = fio.waitFor(pause, TimeUnit.SECONDS);
    }
    String output = new String(fio.getInputStream().readAllBytes());
    assertThat(fio.waitFor()).as(output).isZero();
    assertThat(child.end()).isTrue();
    assertThat(new NbdNode(NbdDeviceOptions.indexOf(node.substring(5)).getAsInt()).isConnected())
        .isFalse();
    return kills;
  }

  @Test
  void whatADeadProcessLeftIsClearedAway() throws Exception {
    Path file = dir.resolve("disk");
    sized(file, 1 << 20);
    var child = serve("nbd-device:///nbd7", file.toString());
    assertThat(frontend.clearStale(ANY)).isEmpty(); // it lives
    child.kill();
    assertThat(frontend.clearStale(URI.create("nbd-device:///nbd6"))).isEmpty();
    assertThat(frontend.clearStale(ANY)).containsExactly("disconnected /dev/nbd7");
    assertThat(frontend.clearStale(ANY)).isEmpty();
    try (var device = device(1)) {
      assertThat(frontend.resume(device, ANY, "/dev/nbd7")).isEmpty();
    }
  }

  @Test
  void anotherDiskIsNotTakenForTheOneThatWasServed() throws Exception {
    Path file = dir.resolve("disk");
    sized(file, 2 << 20);
    var child = serve("nbd-device:///nbd8", file.toString());
    child.kill();
    try (var other = device(2);
        var small = new BlockDevice("child", MemoryDisk.writable(1 << 20), DeviceOptions.DEFAULTS);
        var readOnly =
            new BlockDevice(
                "child", MemoryDisk.readOnly(new byte[2 << 20]), DeviceOptions.DEFAULTS)) {
      assertThat(frontend.resume(other, ANY, "/dev/nbd8")).isEmpty();
      assertThatThrownBy(() -> frontend.resume(small, ANY, "/dev/nbd8"))
          .hasMessageContaining("size");
      assertThatThrownBy(() -> frontend.resume(readOnly, ANY, "/dev/nbd8"))
          .hasMessageContaining("writable");
    }
    assertThat(frontend.clearStale(ANY)).hasSize(1);
  }
}
