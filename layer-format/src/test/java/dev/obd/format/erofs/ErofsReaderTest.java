package dev.obd.format.erofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.format.FileSystems;
import dev.obd.format.ext4.Ext4Reader;
import dev.obd.format.files.FileType;
import dev.obd.format.files.Inode;
import dev.obd.format.files.SampleTree;
import dev.obd.format.files.TooManyExtentsException;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSource;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * File systems are made by mkfs.erofs; the tree they were made from and dump.erofs are the truth.
 */
class ErofsReaderTest {
  private static final Pattern DUMPED =
      Pattern.compile("\\d+: +\\d+\\.\\. *\\d+ \\| +\\d+ : +(\\d+)\\.\\. *(\\d+) \\|");

  @TempDir private static Path shared;
  private static Path tree;
  private static Map<String, String> expected;

  @TempDir private Path directory;

  @BeforeAll
  static void makeTree() throws Exception {
    tree = SampleTree.make(shared.resolve("source"), new SplittableRandom(1));
    Path longest = tree.resolve("deep/er/and/deeper").resolve("n".repeat(255));
    Files.move(longest, longest.resolveSibling("n".repeat(254))); // mkfs.erofs 1.5 fails on 255
    expected = SampleTree.describe(tree);
  }

  @BeforeEach
  void needsErofsUtils() {
    Tools.requireOnPath("mkfs.erofs", "dump.erofs");
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "-x2",
        "-Enoinline_data",
        "-Eforce-inode-compact",
        "-Enosbcrc -x-1",
        "--chunksize=4096",
        "--chunksize=65536",
        "--chunksize=4096 -Eforce-chunk-indexes",
        "--chunksize=1048576 -Eforce-inode-compact"
      })
  void readsTheTreeThatMkfsCopied(String options) throws Exception {
    Path image = image(tree, options);
    boolean times = !options.contains("compact");
    try (var disk = FileSource.open(image)) {
      ErofsReader reader = ErofsReader.open(disk);
      Map<String, String> wanted = new TreeMap<>(expected);
      Map<String, String> found = SampleTree.describe(reader);
      if (!times) { // they are all the time at which the image was made
        wanted.replaceAll((path, what) -> withoutTime(what));
        found.replaceAll((path, what) -> withoutTime(what));
      }
      assertThat(found).isEqualTo(wanted);
      if (times) {
        SampleTree.resolveSome(reader, expected);
      }
    }
  }

  private static String withoutTime(String what) {
    return what.replaceFirst("^(file \\d+) \\d+ ", "$1 ");
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void readsAnyTree(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    Path made = randomTree(random);
    String options =
        List.of("", "-Enoinline_data", "--chunksize=4096", "--chunksize=8192")
            .get(random.nextInt(4));
    try (var disk = FileSource.open(image(made, options))) {
      assertThat(SampleTree.describe(ErofsReader.open(disk))).isEqualTo(SampleTree.describe(made));
    }
  }

  private Path randomTree(SplittableRandom random) throws IOException {
    Path made = Files.createDirectory(directory.resolve("tree"));
    List<Path> directories = new ArrayList<>(List.of(made));
    int names = random.nextInt(1, 400);
    for (int i = 0; i < names; i++) {
      Path in = directories.get(random.nextInt(directories.size()));
      Path path = in.resolve(i + "n".repeat(random.nextInt(random.nextInt(1, 250))));
      switch (random.nextInt(6)) {
        case 0 -> directories.add(Files.createDirectory(path));
        case 1 -> Files.createSymbolicLink(path, Path.of("x".repeat(random.nextInt(1, 4000))));
        default -> {
          byte[] content = new byte[random.nextInt(1 << random.nextInt(1, 16))];
          random.nextBytes(content);
          if (random.nextBoolean()) {
            Arrays.fill(content, 0, content.length / 2, (byte) 0);
          }
          Files.write(path, content);
        }
      }
    }
    return made;
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"--chunksize=4096", "--chunksize=4096 -Eforce-chunk-indexes"})
  void aChunkWithoutABlockHasNoRangeAndReadsAsZeros(String options) throws Exception {
    Path small = Files.createDirectory(directory.resolve("tree"));
    byte[] content = new byte[30_000];
    new SplittableRandom(1).nextBytes(content);
    Files.write(small.resolve("file"), content);
    byte[] image = Files.readAllBytes(image(small, options));
    BlockSource disk = BlockSources.ofBytes("disk", ByteBuffer.wrap(image));
    ErofsInode inode = (ErofsInode) ErofsReader.open(disk).resolve("file");
    int entry = options.contains("indexes") ? 8 : 4;
    int table = (int) ((inode.end() + entry - 1) & -entry);
    for (int chunk : new int[] {2, 3, 7}) {
      ByteBuffer.wrap(image).putInt(table + (chunk + 1) * entry - 4, -1);
      Arrays.fill(content, chunk * 4096, Math.min(content.length, (chunk + 1) * 4096), (byte) 0);
    }
    ErofsReader reader = ErofsReader.open(disk);
    byte[] read = BlockSources.readFully(reader.content(inode), 0, content.length).array();
    assertThat(read).isEqualTo(content);
    assertThat(reader.ranges(inode).stream().mapToLong(Range::length))
        .containsExactly(8192L, 12_288L);
    int most = reader.extents(inode).size();
    assertThat(reader.ranges(inode, most)).hasSize(2);
    assertThatThrownBy(() -> reader.ranges(inode, most - 1))
        .isInstanceOf(TooManyExtentsException.class);
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "-zlz4",
        "-zlz4hc",
        "-zlz4 -Elegacy-compress",
        "-zlz4hc -C65536",
        "-zlz4hc -C16384 -Elegacy-compress",
        "-zlz4hc -C1048576"
      })
  void findsTheBlocksOfCompressedFilesAsDumpDoes(String options) throws Exception {
    Path made = compressible(new SplittableRandom(options.hashCode()));
    Path image = image(made, options);
    int compressed = 0;
    try (var disk = FileSource.open(image)) {
      ErofsReader reader = ErofsReader.open(disk);
      for (var entry : reader.list(reader.root())) {
        Inode inode = reader.inode(entry.inode());
        List<Range> dumped = dumped(image, entry.name());
        if (reader.ranges(inode).equals(dumped) && ((ErofsInode) inode).compressed()) {
          assertThatThrownBy(() -> reader.content(inode))
              .isInstanceOf(FormatException.class)
              .hasMessageContaining("got compressed");
          compressed++;
        }
        assertThat(blocks(reader.ranges(inode))).as(entry.name()).isEqualTo(blocks(dumped));
      }
    }
    assertThat(compressed).isGreaterThan(10);
  }

  private Path compressible(SplittableRandom random) throws IOException {
    Path made = Files.createDirectory(directory.resolve("tree"));
    for (int i = 0; i < 24; i++) {
      var content = ByteBuffer.allocate(random.nextInt(1, 1 << random.nextInt(10, 20)));
      while (content.hasRemaining()) { // runs that pack well, badly, and not at all
        int kind = random.nextInt(3);
        for (int n = random.nextInt(1, 100_000); n > 0 && content.hasRemaining(); n--) {
          content.put((byte) (kind == 0 ? 0 : kind == 1 ? random.nextInt(4) : random.nextInt()));
        }
      }
      Files.write(made.resolve("file" + i), content.array());
    }
    return made;
  }

  /** What dump.erofs says is the place of each extent, joined. */
  private static List<Range> dumped(Path image, String name) throws Exception {
    List<Range> ranges = new ArrayList<>();
    Matcher line =
        DUMPED.matcher(
            Processes.run("dump.erofs", "-e", "--path=/" + name, image.toString()).text());
    while (line.find()) {
      long from = Long.parseLong(line.group(1));
      long to = Long.parseLong(line.group(2));
      if (!ranges.isEmpty() && ranges.getLast().end() == from) {
        from = ranges.removeLast().offset();
      }
      ranges.add(new Range(from, to - from));
    }
    return ranges;
  }

  /** In whole blocks: of files that did not get smaller dump.erofs says more than there is. */
  private static List<Range> blocks(List<Range> ranges) {
    return ranges.stream()
        .map(r -> new Range(r.offset() / 4096, (r.end() + 4095) / 4096 - r.offset() / 4096))
        .toList();
  }

  @Test
  void resolvesPathsThroughLinksAndSaysWhatIsMissing() throws Exception {
    try (var disk = FileSource.open(image(tree, ""))) {
      ErofsReader reader = ErofsReader.open(disk);
      long odd = reader.resolve("/odd").number();
      for (String path : new String[] {"odd", "deep/../odd", "deep/up/odd", "deep/abs", "hard"}) {
        assertThat(reader.resolve(path).number()).as(path).isEqualTo(odd);
      }
      assertThat(reader.resolve("deep/abs", false).type()).isEqualTo(FileType.SYMLINK);
      assertThat(reader.resolve("hard").links()).isEqualTo(2);
      assertThatThrownBy(() -> reader.resolve("deep/none")).isInstanceOf(NoSuchFileException.class);
      assertThatThrownBy(() -> reader.resolve("loop")).isInstanceOf(FileSystemLoopException.class);
      assertThatThrownBy(() -> reader.inode(1L << 40)).isInstanceOf(FormatException.class);
      assertThatThrownBy(() -> reader.inode(-1)).isInstanceOf(FormatException.class);
    }
  }

  @Test
  void aDisksFileSystemIsFoundByItsSuperblock() throws Exception {
    Path small = Files.createDirectory(directory.resolve("tree"));
    Files.writeString(small.resolve("file"), "text");
    try (var disk = FileSource.open(image(small, ""))) {
      assertThat(FileSystems.open(disk).type()).isEqualTo("erofs");
      assertThatThrownBy(() -> Ext4Reader.open(disk)).isInstanceOf(FormatException.class);
      Inode inode = FileSystems.open(disk).resolve("file");
      Path ext4 = directory.resolve("ext4");
      Processes.run("mke2fs", "-q", "-F", ext4.toString(), "1M");
      try (var other = FileSource.open(ext4)) {
        assertThat(FileSystems.open(other).type()).isEqualTo("ext4");
        assertThatThrownBy(() -> FileSystems.open(other).ranges(inode))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
    BlockSource nothing = BlockSources.ofBytes("nothing", ByteBuffer.allocate(8192));
    assertThatThrownBy(() -> FileSystems.open(nothing))
        .hasMessage("nothing @1024: superblock: expected that of ext4 or erofs, got another");
    BlockSource empty = BlockSources.ofBytes("empty", ByteBuffer.allocate(0));
    assertThatThrownBy(() -> FileSystems.open(empty)).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> ErofsReader.open(empty)).isInstanceOf(FormatException.class);
  }

  private Path image(Path tree, String options) throws Exception {
    Path image = directory.resolve("image");
    Files.deleteIfExists(image);
    var command = new ArrayList<>(List.of("mkfs.erofs", "--quiet"));
    if (!options.isEmpty()) {
      command.addAll(List.of(options.split(" ")));
    }
    command.addAll(List.of(image.toString(), tree.toString()));
    Processes.Result result = Processes.run(Duration.ofMinutes(2), null, command);
    assertThat(result.exit()).as("%s: %s", result, result.errors()).isZero();
    return image;
  }
}
