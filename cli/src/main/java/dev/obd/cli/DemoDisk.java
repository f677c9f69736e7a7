package dev.obd.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Two ext4 disks of a real directory tree, made without root by e2fsprogs: one with the Java
 * runtime that runs obd, and a copy of it into which a small program was written.
 */
final class DemoDisk {
  /** Parts of a JDK that no start reads; without them the demonstration fits in less disk. */
  private static final Set<String> LEFT_OUT =
      Set.of("jmods", "src.zip", "demo", "man", "include", "legal");

  private static final long MIB = 1 << 20;
  static final String PROGRAM = "/app/Start.java";

  private final Path dir;
  private final Tool tool;

  DemoDisk(Path dir, Tool tool) {
    this.dir = dir;
    this.tool = tool;
  }

  /** Bytes and files of a copied tree. */
  record Tree(long bytes, long files) {}

  /** Copies the Java runtime at {@code home} to {@code jdk/} under the work directory. */
  Tree stage(Path home) throws IOException {
    Path target = dir.resolve("tree");
    long[] sum = new long[2];
    Files.walkFileTree(
        home,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path at, BasicFileAttributes attributes)
              throws IOException {
            if (home.equals(at.getParent()) && LEFT_OUT.contains(at.getFileName().toString())) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            Files.createDirectories(target.resolve(home.relativize(at).toString()));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path at, BasicFileAttributes attributes)
              throws IOException {
            Path to = target.resolve(home.relativize(at).toString());
            if (attributes.isRegularFile()
                && !(home.equals(at.getParent())
                    && LEFT_OUT.contains(at.getFileName().toString()))) {
              copy(at, to, attributes.size());
            } else if (attributes.isSymbolicLink() && Files.isRegularFile(at)) {
              // Distributions link configuration into /etc; the image has to stand alone.
              copy(at.toRealPath(), to, Files.size(at));
            }
            return FileVisitResult.CONTINUE;
          }

          private void copy(Path from, Path to, long size) throws IOException {
            Files.copy(
                from,
                to,
                StandardCopyOption.COPY_ATTRIBUTES,
                StandardCopyOption.REPLACE_EXISTING,
                LinkOption.NOFOLLOW_LINKS);
            sum[0] += size;
            sum[1]++;
          }
        });
    return new Tree(sum[0], sum[1]);
  }

  /** An ext4 disk that holds the staged tree. */
  Path makeBase(Tree tree) throws IOException, InterruptedException {
    Path disk = dir.resolve("base.raw");
    long size = (tree.bytes() * 5 / 4 + 64 * MIB) / MIB * MIB;
    // No journal: nothing will ever replay it, and it would be 64 MiB of noise in the image.
    tool.run(
        List.of(
            "mke2fs",
            "-q",
            "-F",
            "-t",
            "ext4",
            "-b",
            "4096",
            "-O",
            "^has_journal",
            "-m",
            "0",
            "-L",
            "obd-quickstart",
            "-U",
            "0bd0bd00-0000-4000-8000-000000000001",
            "-d",
            dir.resolve("tree").toString(),
            disk.toString(),
            size / 1024 + "k"),
        Map.of("E2FSPROGS_FAKE_TIME", "1767225600"));
    return disk;
  }

  /**
   * A copy of {@code base} with the program written into it; only the changed blocks will become
   * the second layer.
   */
  Path makeApp(Path base) throws IOException, InterruptedException {
    Path disk = dir.resolve("app.raw");
    Files.copy(base, disk, StandardCopyOption.REPLACE_EXISTING);
    Path source = dir.resolve("Start.java");
    Files.writeString(
        source,
        """
        import java.util.Locale;
        import java.util.stream.Collectors;
        import java.util.stream.IntStream;

        /** The program that the quickstart starts: compiled by the Java runtime in the image, then run by it. */
        public class Start {
          public static void main(String[] args) {
            String primes =
                IntStream.range(2, 60)
                    .filter(n -> IntStream.range(2, n).noneMatch(d -> n % d == 0))
                    .mapToObj(Integer::toString)
                    .collect(Collectors.joining(" "));
            System.out.println(String.format(Locale.ROOT, "started on Java %s: %s", Runtime.version(), primes));
          }
        }
        """,
        StandardCharsets.UTF_8);
    Path commands = dir.resolve("debugfs.commands");
    Files.writeString(commands, "mkdir /app\nwrite " + source + " " + PROGRAM + "\n");
    tool.run(
        List.of("debugfs", "-w", "-f", commands.toString(), disk.toString()),
        Map.of("E2FSPROGS_FAKE_TIME", "1767225600"));
    return disk;
  }

  /** The staged copy and the raw disks are no longer needed. */
  void discardSources() throws IOException {
    for (String name : List.of("base.raw", "app.raw", "Start.java", "debugfs.commands")) {
      Files.deleteIfExists(dir.resolve(name));
    }
    Trees.delete(dir.resolve("tree"));
  }
}
