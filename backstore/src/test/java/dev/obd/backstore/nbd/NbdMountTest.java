package dev.obd.backstore.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A real file system through the whole stack: NBD, nbdfuse, loop, ext4. */
@ExtendWith(NoLeaks.class)
@Timeout(180)
class NbdMountTest {
  @TempDir private Path directory;

  @Test
  void aMountedExt4HoldsEveryFileOfItsTree() throws Exception {
    Tools.requireOnPath("mke2fs", "nbdfuse", "losetup", "mount", "umount");
    assumeTrue("root".equals(System.getProperty("user.name")), "mounting needs root");
    assumeTrue(Files.exists(Path.of("/dev/fuse")), "no /dev/fuse");
    assumeTrue(Files.exists(Path.of("/dev/loop-control")), "no loop devices");
    Path tree = tree();
    Path image = directory.resolve("image");
    Processes.run("mke2fs", "-q", "-t", "ext4", "-d", tree.toString(), image.toString(), "48m");
    var disk = MemoryDisk.readOnly(Files.readAllBytes(image));
    Files.delete(image);
    Path file = Files.createFile(directory.resolve("disk"));
    Path mount = Files.createDirectory(directory.resolve("mnt"));
    try (NbdServer server =
            NbdServer.builder()
                .unix(directory.resolve("s"))
                .export("disk", new BlockDevice("disk", disk, DeviceOptions.DEFAULTS))
                .start();
        var fuse = new Fuse(server.uri("disk"), file);
        var loop = new Loop(fuse.file);
        var mounted = new Mount(loop.device, mount)) {
      assertThat(contents(mounted.where)).isEqualTo(contents(tree));
    }
  }

  private Path tree() throws IOException {
    var random = new SplittableRandom(6);
    Path tree = Files.createDirectory(directory.resolve("tree"));
    for (int i = 0; i < 200; i++) {
      byte[] bytes = new byte[random.nextInt(i % 20 == 0 ? 1 << 20 : 20_000)];
      random.nextBytes(bytes);
      Path parent = Files.createDirectories(tree.resolve("d" + i % 13));
      Files.write(parent.resolve("f" + i), bytes);
    }
    return tree;
  }

  /** Relative path to a hash of the content, of every file. */
  private static TreeMap<String, Integer> contents(Path root) throws IOException {
    var contents = new TreeMap<String, Integer>();
    try (var paths = Files.walk(root)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        contents.put(
            root.relativize(path).toString(), java.util.Arrays.hashCode(Files.readAllBytes(path)));
      }
    }
    return contents;
  }

  private static void run(String... command) throws IOException {
    try {
      Processes.run(command);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static final class Fuse implements AutoCloseable {
    private final Process process;
    final Path file;

    Fuse(String uri, Path file) throws Exception {
      this.file = file;
      this.process = new ProcessBuilder("nbdfuse", "-r", file.toString(), uri).inheritIO().start();
      long limit = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      while (Files.size(file) == 0) {
        if (!process.isAlive() || System.nanoTime() > limit) {
          Processes.kill(process);
          throw new IOException("nbdfuse did not mount " + file);
        }
        Thread.sleep(20);
      }
    }

    @Override
    public void close() throws IOException {
      run("umount", file.toString());
      process.onExit().join();
    }
  }

  private static final class Loop implements AutoCloseable {
    final String device;

    Loop(Path file) throws Exception {
      device = Processes.run("losetup", "--find", "--show", "-r", file.toString()).text().strip();
    }

    @Override
    public void close() throws IOException {
      run("losetup", "-d", device);
    }
  }

  private static final class Mount implements AutoCloseable {
    final Path where;

    Mount(String device, Path where) throws Exception {
      this.where = where;
      Processes.run("mount", "-t", "ext4", "-o", "ro,noload", device, where.toString());
    }

    @Override
    public void close() throws IOException {
      run("umount", where.toString());
    }
  }
}
