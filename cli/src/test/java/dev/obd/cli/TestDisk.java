package dev.obd.cli;

import dev.obd.testdata.Contents;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;

/**
 * Two versions of an ext4 disk, made by e2fsprogs from a generated tree, and what is in them. Made
 * once per test run; nobody changes them.
 */
record TestDisk(Path raw, Path tree, Path raw2, Path tree2) {
  /** Bytes of both disks. */
  static final long SIZE = 24 << 20;

  private static final String[] KINDS = {"text", "rand", "mix", "text", "zero"};
  private static final int FILES = 160;

  private static @Nullable TestDisk shared;

  /** The disks; skips the test, saying why, where e2fsprogs is missing. */
  static synchronized TestDisk get() throws IOException, InterruptedException {
    Tools.requireOnPath("mke2fs", "debugfs");
    if (shared == null) {
      TestHome home = new TestHome();
      Runtime.getRuntime().addShutdownHook(new Thread(home::discard));
      shared = make(home.path());
    }
    return shared;
  }

  private static TestDisk make(Path dir) throws IOException, InterruptedException {
    Path tree = Files.createDirectories(dir.resolve("tree"));
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < FILES; i++) {
      Path file = tree.resolve("d" + i % 7 + "/e" + i % 3 + "/file-" + i);
      Files.createDirectories(file.getParent());
      int size = i % 20 == 0 ? 400_000 + random.nextInt(200_000) : random.nextInt(60_000);
      Files.write(file, Contents.of(KINDS[i % KINDS.length], i, size));
    }
    Files.createSymbolicLink(tree.resolve("link"), Path.of("d0/e0/file-0"));
    Path raw = dir.resolve("v1.raw");
    Processes.run(
        "mke2fs",
        "-q",
        "-F",
        "-t",
        "ext4",
        "-b",
        "4096",
        "-O",
        "^has_journal",
        "-d",
        tree.toString(),
        raw.toString(),
        SIZE / 1024 + "k");
    Path raw2 = dir.resolve("v2.raw");
    Path tree2 = dir.resolve("tree2");
    Files.copy(raw, raw2);
    Processes.run("cp", "-a", tree.toString(), tree2.toString());
    List<String> commands = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Path fresh = tree2.resolve("new-" + i);
      Files.write(fresh, Contents.of("mix", 1000 + i, 70_000 + i));
      commands.add("write " + fresh + " new-" + i);
    }
    Path gone = Path.of("d1/e1/file-1");
    Files.delete(tree2.resolve(gone));
    commands.add("rm " + gone);
    Path script = dir.resolve("commands");
    Files.write(script, commands);
    Processes.run("debugfs", "-w", "-f", script.toString(), raw2.toString());
    return new TestDisk(raw, tree, raw2, tree2);
  }

  /** A copy that may be changed. */
  static Path copy(Path disk, Path to) throws IOException {
    return Files.copy(disk, to, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Fails unless both files have the same bytes. */
  static void assertSame(Path expected, Path actual) throws IOException {
    long at = Files.mismatch(expected, actual);
    if (at >= 0) {
      Assertions.fail(actual + " differs from " + expected + " at byte " + at);
    }
  }

  /** Fails unless everything in {@code tree} is at {@code mounted}, and nothing else is. */
  static void assertSameTree(Path tree, Path mounted) throws IOException {
    List<Path> expected = list(tree);
    Assertions.assertEquals(expected, list(mounted));
    for (Path name : expected) {
      Path file = tree.resolve(name);
      if (Files.isSymbolicLink(file)) {
        Assertions.assertEquals(
            Files.readSymbolicLink(file), Files.readSymbolicLink(mounted.resolve(name)));
      } else if (Files.isRegularFile(file)) {
        assertSame(file, mounted.resolve(name));
      }
    }
  }

  private static List<Path> list(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      return all.map(root::relativize).filter(p -> !p.startsWith("lost+found")).sorted().toList();
    }
  }

  /** The whole disk behind an NBD address, as nbdcopy reads it. */
  static Path download(String uri, Path to) throws IOException, InterruptedException {
    Tools.requireOnPath("nbdcopy");
    Files.deleteIfExists(to);
    Processes.run("nbdcopy", uri, to.toString());
    return Objects.requireNonNull(to);
  }
}
