package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.mount.MountTable;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What remains when the server dies without a chance to clean up. */
@Timeout(180)
class FuseCrashTest {
  @TempDir Path dir;
  private Path file;
  private Path mounted;
  private Path image;
  private Path tree;
  private final List<Process> children = new ArrayList<>();

  @BeforeEach
  void anImageWithAFileSystem() throws Exception {
    file = dir.toRealPath().resolve("disk.img");
    mounted = dir.toRealPath().resolve("mnt");
    Machine.assumeCan(URI.create("fuse://" + file + "?loop=1"));
    tree = Machine.tree(dir.resolve("tree"));
    image = Files.write(dir.resolve("image"), Machine.ext4(dir, tree, 32));
  }

  @AfterEach
  void noChildStays() throws Exception {
    for (Process child : children) {
      child.destroyForcibly().waitFor();
    }
  }

  private Process serve(String query, String access) throws IOException {
    return startUntil("serving ", query, access);
  }

  private Process startUntil(String sign, String query, String access) throws IOException {
    Process child =
        new ProcessBuilder(
                FuseServer.command(
                    FuseServer.classPath(), "fuse://" + file + query, image.toString(), access))
            .redirectErrorStream(true)
            .start();
    children.add(child);
    BufferedReader output = child.inputReader();
    var seen = new StringBuilder();
    for (String line = output.readLine(); ; line = output.readLine()) {
      if (line == null) {
        throw new AssertionError("the server ended: " + seen);
      }
      if (line.startsWith(sign)) {
        return child;
      }
      seen.append(line).append('\n');
    }
  }

  private static void kill(Process child) throws InterruptedException {
    child.destroyForcibly();
    assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void afterAKillNoProcessHangsAndEverythingCanBeUnmounted() throws Exception {
    Process child = serve("?mount=" + mounted, "rw");
    Process writer =
        Machine.start(
            "dd",
            "if=/dev/zero",
            "of=" + mounted.resolve("big"),
            "bs=64k",
            "count=100000",
            "oflag=dsync");
    Process reader = Machine.start("sh", "-c", "while cat \"$0\" > /dev/null; do :; done", file);
    while (Files.notExists(mounted.resolve("big")) || Files.size(mounted.resolve("big")) == 0) {
      Thread.onSpinWait();
    }
    kill(child);
    assertThat(writer.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(writer.exitValue()).isNotZero();
    assertThat(reader.waitFor(60, TimeUnit.SECONDS)).isTrue();
    Machine.run("umount", mounted).ok();
    Machine.run("umount", file).ok();
    assertThat(Machine.run("losetup", "-j", file).output()).isBlank();
  }

  /** Its own mount waits for it then; see FilelessThread. */
  @Test
  void aServerCanBeKilledWhileItMountsWhatDoesNotAnswer() throws Exception {
    Process child = startUntil("hanging", "?mount=" + mounted, "hang");
    kill(child);
    Machine.run("umount", file).ok();
    assertThat(MountTable.read().at(mounted)).isEmpty();
    assertThat(Machine.run("losetup", "-j", file).output()).isBlank();
  }

  @Test
  void aNewServerClearsAwayWhatADeadOneLeft() throws Exception {
    kill(serve("?mount=" + mounted, "rw"));
    assertThat(Machine.run("cat", file).output())
        .containsIgnoringCase("transport endpoint is not connected");
    var disk = MemoryDisk.readOnly(Files.readAllBytes(image));
    try (var device = new BlockDevice("next", disk, DeviceOptions.DEFAULTS)) {
      URI where = URI.create("fuse://" + file + "?mount=" + mounted);
      try (Export _ = new FuseFrontend().export(device, where)) {
        assertThat(Machine.treeDigest(mounted)).isEqualTo(Machine.treeDigest(tree));
      }
    }
    assertThat(MountTable.read().at(mounted)).isEmpty();
    assertThat(MountTable.read().at(file)).isEmpty();
    // What the dead server had made it could not remove; it was there before the new one.
    assertThat(mounted).isEmptyDirectory();
    assertThat(file).isEmptyFile();
  }

  @Test
  void withoutPrivilegeTheMountIsMadeByFusermount() throws Exception {
    Machine.assumePrograms("fusermount3", "unshare", "nsenter", "setpriv", "mknod");
    // Where an unprivileged user can get at everything: the class path may be in root's home.
    Path open = Files.createTempDirectory(Path.of("/tmp"), "obd-fuse-test");
    try {
      var classPath = new ArrayList<Path>();
      for (Path entry : FuseServer.classPath()) {
        Path copy = open.resolve(classPath.size() + entry.getFileName().toString());
        Machine.run("cp", "-r", entry, copy).ok();
        classPath.add(copy);
      }
      Path content = Files.copy(image, open.resolve("image"));
      Path disk = open.resolve("disk.img");
      Machine.run("chmod", "-R", "a+rwX", open).ok();
      // A namespace of its own, in which everybody may open /dev/fuse, as on most machines.
      String script =
          "mknod "
              + (open + "/fuse c 10 229 && chmod 666 " + open + "/fuse && mount --bind " + open)
              + "/fuse /dev/fuse && exec setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '"
              + String.join(
                  " ", FuseServer.command(classPath, "fuse://" + disk, "" + content, "rw"))
              + "'";
      Process server =
          new ProcessBuilder("unshare", "-m", "--propagation", "private", "sh", "-c", script)
              .redirectErrorStream(true)
              .start();
      children.add(server);
      BufferedReader output = server.inputReader();
      assertThat(output.readLine()).isEqualTo("serving " + disk);
      String digest =
          Machine.run(
                  "nsenter",
                  "-m",
                  "-t",
                  server.pid(),
                  "setpriv",
                  "--reuid=65534",
                  "--regid=65534",
                  "--clear-groups",
                  "sha256sum",
                  disk)
              .ok();
      assertThat(digest.substring(0, 64))
          .isEqualTo(Machine.run("sha256sum", content).ok().substring(0, 64));
      server.getOutputStream().close();
      assertThat(output.readLine()).isEqualTo("closed");
      assertThat(disk).doesNotExist();
    } finally {
      Machine.run("rm", "-rf", open).ok();
    }
  }
}
