package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Disk;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.ResizableDisk;
import dev.obd.mount.MountTable;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Loop devices and mounted file systems on the file. */
@Timeout(180)
class FuseLoopTest {
  @TempDir Path dir;
  private Path file;
  private Path mounted;

  @BeforeEach
  void needsLoopDevices() throws IOException {
    file = dir.toRealPath().resolve("disk.img");
    mounted = dir.toRealPath().resolve("mnt");
    Machine.assumeCan(uri("?loop=1"));
  }

  private URI uri(String query) {
    return URI.create("fuse://" + file + query);
  }

  private static BlockDevice device(Disk disk) {
    return new BlockDevice("test", disk, DeviceOptions.DEFAULTS);
  }

  private Export export(BlockDevice device, String query) throws Exception {
    return new FuseFrontend().export(device, uri(query));
  }

  @Test
  void fioVerifiesWhatItWroteThroughALoopDevice() throws Exception {
    Machine.assumePrograms("fio", "losetup", "blkdiscard");
    try (var device = device(MemoryDisk.writable(16 << 20))) {
      String loop;
      try (Export export = export(device, "?loop=1")) {
        loop = export.address();
        assertThat(loop).startsWith("/dev/loop");
        assertThat(Machine.run("losetup", "-n", "-O", "BACK-FILE,DIO,RO", loop).ok())
            .containsSubsequence(file.toString(), "1", "0");
        FuseFileTest.fio(Path.of(loop));
        Machine.run("blkdiscard", loop).ok();
        assertThat(FuseFileTest.content(device)).containsOnly(0);
      }
      assertThat(Machine.run("losetup", loop).exit()).isNotZero();
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void aDeviceThatGrowsOrShrinksIsSeenByWhoHasItOpen() throws Exception {
    Machine.assumePrograms("blockdev", "dd");
    var disk = new ResizableDisk(MemoryDisk.writable(4 << 20), 1 << 20);
    try (var device = device(disk);
        Export export = export(device, "?loop=1")) {
      String loop = export.address();
      for (long size : new long[] {3 << 20, 4 << 20, 2 << 20}) {
        disk.resize(size);
        assertThat(export.resized()).isEmpty();
        assertThat(Files.size(file)).isEqualTo(size);
        assertThat(Machine.run("blockdev", "--getsize64", loop).ok().strip())
            .isEqualTo(Long.toString(size));
        long last = size / 4096 - 1;
        Machine.run(
                "dd",
                "if=/dev/urandom",
                "of=" + loop,
                "bs=4096",
                "count=1",
                "seek=" + last,
                "oflag=direct",
                "conv=notrunc")
            .ok();
      }
      assertThat(Machine.run("dd", "if=" + loop, "of=/dev/null", "bs=1M").exit()).isZero();
    }
  }

  @Test
  void aReadOnlyDiskIsAReadOnlyLoopDevice() throws Exception {
    Machine.assumePrograms("blockdev");
    try (var device = device(MemoryDisk.writable(1 << 20));
        Export export = export(device, "?loop=1&ro=1")) {
      assertThat(Machine.run("blockdev", "--getro", export.address()).ok().strip()).isEqualTo("1");
    }
  }

  @Test
  void aMountedFileSystemHasEveryFileAndStartsPrograms() throws Exception {
    Path tree = Machine.tree(dir.resolve("tree"));
    byte[] image = Machine.ext4(dir, tree, 32);
    try (var device = device(MemoryDisk.readOnly(image));
        Export export = export(device, "?mount=" + mounted)) {
      assertThat(export.address()).isEqualTo(mounted.toString());
      assertThat(Machine.treeDigest(mounted)).isEqualTo(Machine.treeDigest(tree));
      Path one = tree.resolve("a/f0");
      Path copy = dir.resolve("copy");
      Machine.run(
              "sh",
              "-c",
              "\"$0\" \"$1\" > \"$2\"",
              mounted.resolve("program"),
              mounted.resolve("a/f0"),
              copy)
          .ok();
      assertThat(copy).hasSameBinaryContentAs(one);
    }
    assertThat(mounted).doesNotExist();
    assertThat(file).doesNotExist();
  }

  @Test
  void whatIsWrittenToTheFileSystemIsSoundOnTheDisk() throws Exception {
    Path tree = Machine.tree(dir.resolve("tree"));
    MemoryDisk disk = MemoryDisk.writable(Machine.ext4(dir, tree, 32));
    Path more = Machine.tree(dir.resolve("more"));
    try (var device = device(disk)) {
      try (Export _ = export(device, "?mount=" + mounted + "&options=noatime")) {
        Machine.run("cp", "-r", more, mounted.resolve("more")).ok();
        Machine.run("rm", "-r", mounted.resolve("a/b")).ok();
        Machine.run(
                "dd",
                "if=/dev/zero",
                "of=" + mounted.resolve("zeros"),
                "bs=100000",
                "count=30",
                "conv=fsync")
            .ok();
        assertThat(disk.flushes()).isPositive();
      }
      Path image = Files.write(dir.resolve("after.img"), FuseFileTest.content(device));
      Machine.run("e2fsck", "-fn", image).ok();
      try (Export _ = export(device, "?ro=1&mount=" + mounted)) {
        assertThat(Machine.treeDigest(mounted.resolve("more"))).isEqualTo(Machine.treeDigest(more));
        assertThat(mounted.resolve("a/b")).doesNotExist();
        assertThat(Files.size(mounted.resolve("zeros"))).isEqualTo(3_000_000);
      }
    }
  }

  @Test
  void aFileSystemInUseIsNotTakenAway() throws Exception {
    Path tree = Machine.tree(dir.resolve("tree"));
    try (var device = device(MemoryDisk.readOnly(Machine.ext4(dir, tree, 16)))) {
      Export export = export(device, "?mount=" + mounted);
      try (InputStream in = Files.newInputStream(mounted.resolve("program"))) {
        assertThatThrownBy(export::close)
            .hasMessageContaining("cannot unmount " + mounted)
            .hasMessageContaining("busy");
        assertThat(in.readAllBytes()).isEqualTo(Files.readAllBytes(tree.resolve("program")));
      }
      export.close();
      assertThat(mounted).doesNotExist();
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void aLoopDeviceThatSomebodyMountedIsNotTakenAway() throws Exception {
    Path tree = Machine.tree(dir.resolve("tree"));
    try (var device = device(MemoryDisk.readOnly(Machine.ext4(dir, tree, 16)))) {
      Export export = export(device, "?loop=1");
      Files.createDirectory(mounted);
      Machine.run("mount", "-o", "ro", export.address(), mounted).ok();
      assertThatThrownBy(export::close)
          .hasMessageContaining("cannot detach " + export.address())
          .hasMessageContaining("busy");
      assertThat(Machine.treeDigest(mounted)).isEqualTo(Machine.treeDigest(tree));
      Machine.run("umount", mounted).ok();
      export.close();
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void byForceEvenAFileSystemInUseIsTakenAway() throws Exception {
    Path tree = Machine.tree(dir.resolve("tree"));
    try (var device = device(MemoryDisk.readOnly(Machine.ext4(dir, tree, 16)))) {
      Export export = export(device, "?force=1&mount=" + mounted);
      try (InputStream _ = Files.newInputStream(mounted.resolve("program"))) {
        export.close();
        assertThat(mounted).doesNotExist();
        assertThat(file).doesNotExist();
      }
    }
  }

  @Test
  void whatOthersTookAwayIsNoErrorAtTheEnd() throws Exception {
    Path tree = Machine.tree(dir.resolve("tree"));
    try (var device = device(MemoryDisk.readOnly(Machine.ext4(dir, tree, 16)))) {
      Export export = export(device, "?mount=" + mounted);
      Machine.run("umount", mounted).ok();
      export.close();
      assertThat(file).doesNotExist();
      Export second = export(device, "");
      Machine.run("umount", file).ok();
      second.close();
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void whatCannotBeMountedLeavesNothingBehind() throws Exception {
    try (var device = device(MemoryDisk.writable(1 << 20))) {
      assertThatThrownBy(() -> export(device, "?mount=" + mounted))
          .hasMessageContaining("mount(/dev/loop")
          .hasMessageContaining("type ext4")
          .hasMessageContaining("EINVAL");
      assertThat(file).doesNotExist();
      assertThat(mounted).doesNotExist();
      assertThat(MountTable.read().at(file)).isEmpty();
    }
  }

  /**
   * From virtual threads, which also start programs: then all carriers may be inside a system call
   * that waits for the server, so the server must not need one.
   */
  @Test
  void manyLoopDevicesAtOnceEachGetTheirOwn() throws Exception {
    var all = new java.util.ArrayList<java.util.concurrent.CompletableFuture<String>>();
    for (int i = 0; i < 6; i++) {
      int mine = i;
      all.add(
          java.util.concurrent.CompletableFuture.supplyAsync(
              () -> {
                URI where = URI.create("fuse://" + file + mine + "?loop=1");
                try (var device = device(MemoryDisk.writable((mine + 1L) << 20));
                    Export export = new FuseFrontend().export(device, where)) {
                  return mine
                      + ":"
                      + Machine.run("blockdev", "--getsize64", export.address()).ok().strip();
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              },
              task -> Thread.ofVirtual().start(task)));
    }
    for (int i = 0; i < all.size(); i++) {
      assertThat(all.get(i).get()).isEqualTo(i + ":" + ((i + 1L) << 20));
    }
  }
}
