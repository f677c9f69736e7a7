package dev.obd.cli;

import dev.obd.backstore.build.Trees;
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
        import java.lang.module.ModuleFinder;
        import java.lang.module.ModuleReader;
        import java.lang.module.ModuleReference;
        import java.util.ArrayList;
        import java.util.Comparator;
        import java.util.List;

        /**
         * The program that the quickstart starts: compiled by the Java runtime in the image, then run by it. Like a
         * large application it uses a little of a lot: it loads some hundred classes from all over the runtime.
         */
        public class Start {
          private static final int CLASSES = 300;

          public static void main(String[] args) throws Exception {
            List<String> names = new ArrayList<>();
            List<ModuleReference> modules =
                ModuleFinder.ofSystem().findAll().stream()
                    .sorted(Comparator.comparing(m -> m.descriptor().name()))
                    .toList();
            for (ModuleReference module : modules) {
              try (ModuleReader reader = module.open()) {
                reader.list().filter(n -> n.endsWith(".class") && n.indexOf('-') < 0).sorted().forEach(names::add);
              }
            }
            int loaded = 0;
            for (int i = 0; i < CLASSES; i++) {
              String name = names.get((int) ((long) i * names.size() / CLASSES));
              try {
                Class.forName(name.substring(0, name.length() - 6).replace('/', '.'), false, Start.class.getClassLoader());
                loaded++;
              } catch (ClassNotFoundException | LinkageError notForUs) {
                // internal to its module
              }
            }
            System.out.println("started on Java " + Runtime.version() + ", loaded " + loaded + " of " + names.size() + " classes");
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
