package dev.obd.format.files;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.BlockSources;
import dev.obd.testdata.Processes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** A tree of files of many shapes, and what a reader of a file system must say of it. */
public final class SampleTree {
  /** How many files are in {@code many}, named {@code file-with-a-rather-long-name-N}. */
  public static final int MANY = 1000;

  private SampleTree() {}

  /** By path from the root: type, mode, time of change and content. */
  public static Map<String, String> describe(Path tree) throws IOException {
    Map<String, String> described = new TreeMap<>();
    try (var all = Files.walk(tree)) {
      for (Path path : (Iterable<Path>) all.filter(p -> !p.equals(tree))::iterator) {
        described.put(tree.relativize(path).toString(), describeFile(path));
      }
    }
    return described;
  }

  /** The same of what a reader finds. */
  public static Map<String, String> describe(FileSystemReader reader) throws IOException {
    Map<String, String> found = new TreeMap<>();
    reader.walk(reader.root(), (path, inode) -> found.put(path, describe(reader, inode)));
    return found;
  }

  /** Each look-up is linear: a sample is enough. */
  public static void resolveSome(FileSystemReader reader, Map<String, String> expected)
      throws IOException {
    for (String path : expected.keySet()) {
      if (path.hashCode() % 50 == 0) {
        assertThat(describe(reader, reader.resolve(path, false))).isEqualTo(expected.get(path));
      }
    }
  }

  private static String describeFile(Path path) throws IOException {
    if (Files.isSymbolicLink(path)) {
      return "link " + Files.readSymbolicLink(path);
    }
    int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 07777;
    if (Files.isDirectory(path)) {
      return "directory " + Integer.toOctalString(mode);
    }
    if (!Files.isRegularFile(path)) {
      return "other";
    }
    return "file "
        + Integer.toOctalString(mode)
        + " "
        + Files.getLastModifiedTime(path).toMillis() / 1000
        + " "
        + hash(ByteBuffer.wrap(Files.readAllBytes(path)));
  }

  private static String describe(FileSystemReader reader, Inode inode) throws IOException {
    String mode = Integer.toOctalString(inode.permissions());
    return switch (inode.type()) {
      case SYMLINK -> "link " + reader.readLink(inode);
      case DIRECTORY -> "directory " + mode;
      case REGULAR ->
          "file "
              + mode
              + " "
              + inode.modifiedSeconds()
              + " "
              + hash(BlockSources.readFully(reader.content(inode), 0, (int) inode.size()));
      case FIFO, SOCKET, CHARACTER_DEVICE, BLOCK_DEVICE -> "other";
    };
  }

  private static String hash(ByteBuffer content) {
    var crc = new CRC32C();
    crc.update(content.duplicate());
    return content.remaining() + " bytes " + crc.getValue();
  }

  /** Files of many shapes; the numbers reach every level of both kinds of block maps. */
  public static Path make(Path tree, SplittableRandom random) throws Exception {
    Files.createDirectory(tree);
    for (int size : new int[] {0, 1, 59, 60, 61, 100, 150, 300, 511, 512, 1024, 4096, 12_289}) {
      Files.write(tree.resolve("size" + size), bytes(random, size));
    }
    Files.write(tree.resolve("odd"), bytes(random, 4_000_001));
    try (var sparse =
        FileChannel.open(
            tree.resolve("sparse"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (int i = 0; i < 500; i++) { // nearly 500 extents: a tree of two levels in 1 KiB blocks
        sparse.write(ByteBuffer.wrap(bytes(random, 4096)), i * 8192L + random.nextInt(2) * 4096);
      }
      sparse.write(ByteBuffer.wrap(bytes(random, 5)), 70_000_000); // three levels of block numbers
    }
    Path many = Files.createDirectory(tree.resolve("many"));
    for (int i = 0; i < MANY; i++) {
      Files.writeString(many.resolve("file-with-a-rather-long-name-" + i), "x" + i);
    }
    Path deep = Files.createDirectories(tree.resolve("deep/er/and/deeper"));
    Files.writeString(deep.resolve("n\u00e4me \u4f60\u597d"), "text");
    Files.writeString(deep.resolve("n".repeat(255)), "text");
    Files.createDirectory(deep.resolve("few"));
    for (int i = 0; i < 5; i++) { // more than fits an inode's 60 bytes
      Files.writeString(deep.resolve("few/a-name-of-some-length-" + i), "");
    }
    Files.createSymbolicLink(tree.resolve("deep/up"), Path.of("er/and/../../.."));
    Files.createSymbolicLink(tree.resolve("deep/abs"), Path.of("/odd"));
    Files.createSymbolicLink(tree.resolve("loop"), Path.of("loop"));
    for (int length : new int[] {1, 59, 60, 61, 200, 1000}) {
      Files.createSymbolicLink(tree.resolve("link" + length), Path.of("y".repeat(length)));
    }
    Files.createLink(tree.resolve("hard"), tree.resolve("odd"));
    Processes.run("mkfifo", tree.resolve("fifo").toString());
    return tree;
  }

  private static byte[] bytes(SplittableRandom random, int size) {
    var bytes = new byte[size];
    random.nextBytes(bytes);
    return bytes;
  }
}
