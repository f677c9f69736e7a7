package dev.obd.format.ext4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** File systems are made by mke2fs; the tree they were made from and debugfs are the truth. */
class Ext4ReaderTest {
  @TempDir private static Path shared;
  private static Path tree;
  private static Map<String, String> expected;

  @TempDir private Path directory;

  @BeforeAll
  static void makeTree() throws Exception {
    tree = SampleTree.make(shared.resolve("source"), new SplittableRandom(1));
    expected = SampleTree.describe(tree);
  }

  @BeforeEach
  void needsE2fsprogs() {
    Tools.requireOnPath("mke2fs", "debugfs", "e2fsck");
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "-t ext4",
        "-t ext4 -b 1024",
        "-t ext4 -b 2048 -I 128 -O 64bit",
        "-t ext4 -b 65536",
        "-t ext2",
        "-t ext2 -b 1024 -r 0",
        "-t ext3 -b 1024",
        "-t ext4 -b 1024 -O ^extent,^64bit",
        "-t ext4 -b 1024 -O inline_data -I 512",
        "-t ext4 -O inline_data",
        "-t ext4 -b 1024 -O meta_bg,^resize_inode,64bit -g 1024",
        "-t ext4 -b 1024 -O meta_bg,^resize_inode,^64bit,^flex_bg,^sparse_super -g 512",
        "-t ext4 -b 1024 -O meta_bg,^resize_inode,sparse_super2 -g 1024",
        "-t ext4 -O bigalloc -C 65536",
        "-t ext4 -b 1024 -O bigalloc,meta_bg,^resize_inode -C 4096",
        "-t ext4 -O metadata_csum_seed,ea_inode,large_dir,^filetype",
        "-t ext4 -O ^has_journal,casefold,encrypt,verity"
      })
  void readsTheTreeThatMke2fsCopied(String options) throws Exception {
    Path image = image(tree, "192M", options.split(" "));
    check(image, expected);
    if (!options.contains("-r 0")) {
      // Rebuilds the directories, hashed where they are large.
      assertThat(
              Processes.run(
                      Duration.ofMinutes(1), null, List.of("e2fsck", "-fyD", image.toString()))
                  .exit())
          .isLessThanOrEqualTo(1);
      check(image, expected);
    }
  }

  @Test
  void mapsBlocksAsDebugfsDoes() throws Exception {
    for (String options : new String[] {"-t ext4 -b 1024", "-t ext3 -b 1024"}) {
      Path image = image(tree, "64M", options.split(" "));
      try (var disk = FileSource.open(image)) {
        Ext4Reader reader = Ext4Reader.open(disk);
        var script = new StringBuilder();
        for (int block = 0; block < 4_000; block += 7) {
          script.append("bmap /sparse ").append(block).append('\n');
        }
        Path commands = Files.writeString(directory.resolve("commands"), script);
        String[] answers =
            Processes.run("debugfs", "-f", commands.toString(), image.toString())
                .text()
                .lines()
                .filter(line -> !line.startsWith("debugfs:"))
                .toArray(String[]::new);
        List<Range> ranges = reader.ranges(reader.resolve("/sparse"));
        int mapped = 0;
        for (String answer : answers) {
          long at = Long.parseLong(answer.strip()) * 1024;
          mapped += at == 0 ? 0 : 1;
          assertThat(at == 0 || ranges.stream().anyMatch(r -> r.offset() <= at && at < r.end()))
              .as("block %s", answer)
              .isTrue();
        }
        assertThat(mapped).isBetween(100, answers.length - 100);
      }
    }
  }

  @Test
  void rangesHoldTheContentWithoutItsHoles() throws Exception {
    Path image = image(tree, "64M", "-t", "ext4");
    try (var disk = FileSource.open(image)) {
      Ext4Reader reader = Ext4Reader.open(disk);
      byte[] content = Files.readAllBytes(tree.resolve("odd"));
      var joined = ByteBuffer.allocate(content.length);
      for (Range range : reader.ranges(reader.resolve("odd"))) {
        joined.put(BlockSources.readFully(disk, range.offset(), (int) range.length()));
      }
      assertThat(joined.array()).isEqualTo(content);
      long allocated =
          reader.ranges(reader.resolve("sparse")).stream().mapToLong(Range::length).sum();
      assertThat(allocated).isLessThan(Files.size(tree.resolve("sparse")) * 2 / 3);
      var sparse = reader.resolve("sparse");
      int most = reader.extents(sparse).size();
      assertThat(reader.ranges(sparse, most)).isEqualTo(reader.ranges(sparse));
      assertThatThrownBy(() -> reader.ranges(sparse, most - 1))
          .isInstanceOf(TooManyExtentsException.class);
    }
  }

  @Test
  void whatWasAllocatedButNeverWrittenReadsAsZerosAndHasNoRange() throws Exception {
    Path small = Files.createDirectory(directory.resolve("tree"));
    byte[] content = new byte[40_000];
    Arrays.fill(content, (byte) 7);
    Files.write(small.resolve("file"), content);
    Path image = image(small, "8M", "-t", "ext4", "-b", "1024");
    Processes.run("debugfs", "-w", "-R", "fallocate /file 40 4000", image.toString());
    Processes.run("debugfs", "-w", "-R", "sif /file size 4000000", image.toString());
    try (var disk = FileSource.open(image)) {
      Ext4Reader reader = Ext4Reader.open(disk);
      Inode file = reader.resolve("file");
      assertThat(file.size()).isEqualTo(4_000_000);
      ByteBuffer read = BlockSources.readFully(reader.content(file), 0, 4_000_000);
      assertThat(Arrays.copyOf(read.array(), 40_000)).isEqualTo(content);
      assertThat(Arrays.copyOfRange(read.array(), 40_960, 4_000_000)).containsOnly(0);
      assertThat(reader.ranges(file).stream().mapToLong(Range::length).sum())
          .isLessThanOrEqualTo(40_960);
    }
  }

  @Test
  void resolvesPathsThroughLinksAndDots() throws Exception {
    Path image = image(tree, "64M", "-t", "ext4");
    try (var disk = FileSource.open(image)) {
      Ext4Reader reader = Ext4Reader.open(disk);
      long odd = reader.resolve("/odd").number();
      for (String path :
          new String[] {
            "odd", "//odd", "./odd", "../../odd", "deep/../odd", "deep/up/odd", "deep/abs"
          }) {
        assertThat(reader.resolve(path).number()).as(path).isEqualTo(odd);
      }
      Inode link = reader.resolve("deep/abs", false);
      assertThat(link.type()).isEqualTo(FileType.SYMLINK);
      assertThat(reader.readLink(link)).isEqualTo("/odd");
      assertThat(reader.resolve("").number()).isEqualTo(2);
      assertThat(reader.resolve("deep/up/deep/").type()).isEqualTo(FileType.DIRECTORY);
      assertThatThrownBy(() -> reader.resolve("deep/none")).isInstanceOf(NoSuchFileException.class);
      assertThatThrownBy(() -> reader.resolve("odd/x")).isInstanceOf(NotDirectoryException.class);
      assertThatThrownBy(() -> reader.resolve("odd/")).isInstanceOf(NotDirectoryException.class);
      assertThatThrownBy(() -> reader.resolve("loop")).isInstanceOf(FileSystemLoopException.class);
      assertThatThrownBy(() -> reader.list(reader.resolve("odd")))
          .isInstanceOf(NotDirectoryException.class);
    }
  }

  @Test
  void refusesWhatIsNoFileSystemAndWhatItCannotRead() throws Exception {
    BlockSource nothing = BlockSources.ofBytes("nothing", ByteBuffer.allocate(8192));
    assertThat(Ext4Reader.isExt4(nothing)).isFalse();
    assertThat(Ext4Reader.isExt4(BlockSources.ofBytes("x", ByteBuffer.allocate(9)))).isFalse();
    assertThatThrownBy(() -> Ext4Reader.open(nothing))
        .isInstanceOf(FormatException.class)
        .hasMessage("nothing @1080: s_magic: expected 0xef53, got 0x0");
    Path image = image(Files.createDirectory(directory.resolve("t")), "1M", "-t", "ext2");
    Processes.run("debugfs", "-w", "-R", "feature needs_recovery", image.toString());
    try (var disk = FileSource.open(image)) {
      assertThat(Ext4Reader.isExt4(disk)).isTrue();
      assertThatThrownBy(() -> Ext4Reader.open(disk)).hasMessageContaining("needs recovery");
      assertThat(Ext4Reader.openWithoutRecovery(disk).list(root(disk))).hasSize(1);
    }
    Path journal = directory.resolve("journal");
    Processes.run("mke2fs", "-q", "-O", "journal_dev", journal.toString(), "8M");
    try (var disk = FileSource.open(journal)) {
      assertThatThrownBy(() -> Ext4Reader.open(disk)).hasMessageContaining("s_feature_incompat");
    }
    try (var disk = FileSource.open(image)) {
      assertThatThrownBy(() -> Ext4Reader.open(BlockSources.slice(disk, 0, 100_000)))
          .hasMessageContaining("s_blocks_count");
    }
  }

  private static Inode root(BlockSource disk) throws IOException {
    return Ext4Reader.openWithoutRecovery(disk).root();
  }

  @Test
  void readsWhatTheKernelWrote() throws Exception {
    Tools.requireOnPath("mount", "umount", "cp");
    Path mountPoint = Files.createDirectory(directory.resolve("mnt"));
    Path image = image(Files.createDirectory(directory.resolve("none")), "192M", "-t", "ext4");
    var mount = List.of("mount", "-o", "loop", image.toString(), mountPoint.toString());
    Processes.Result mounted = Processes.run(Duration.ofSeconds(30), null, mount);
    Assumptions.assumeTrue(mounted.exit() == 0, "cannot mount here: " + mounted.errors());
    Path copy = Files.createDirectory(directory.resolve("copy"));
    try {
      Processes.run("cp", "-a", "--sparse=always", tree + "/.", mountPoint.toString());
      Processes.run("cp", "-a", "--sparse=always", tree + "/.", copy.toString());
      for (Path place : new Path[] {copy, mountPoint}) {
        try (var file = FileChannel.open(place.resolve("odd"), StandardOpenOption.WRITE)) {
          file.write(ByteBuffer.wrap(new byte[100]), 3_000_000);
          file.truncate(2_999_999);
          file.write(ByteBuffer.wrap(new byte[] {1}), 5_000_000);
        }
        for (int i = 0; i < SampleTree.MANY; i += 2) {
          Files.delete(place.resolve("many/file-with-a-rather-long-name-" + i));
        }
      }
    } finally {
      Processes.run("umount", mountPoint.toString());
    }
    check(image, SampleTree.describe(copy));
  }

  /** Everything expected is in the image and the other way round. */
  private static void check(Path image, Map<String, String> expected) throws IOException {
    try (var disk = FileSource.open(image)) {
      Ext4Reader reader = Ext4Reader.open(disk);
      Map<String, String> found = SampleTree.describe(reader);
      assertThat(found.keySet()).contains("lost+found");
      found.keySet().removeIf(path -> path.startsWith("lost+found"));
      assertThat(found).isEqualTo(expected);
      SampleTree.resolveSome(reader, expected);
    }
  }

  private Path image(Path tree, String size, String... options) throws Exception {
    Path image = directory.resolve("image");
    Files.deleteIfExists(image);
    var command = new ArrayList<>(List.of("mke2fs", "-q", "-F", "-d", tree + ""));
    command.addAll(List.of(options));
    command.addAll(List.of(image.toString(), size));
    Processes.Result result = Processes.run(Duration.ofMinutes(2), null, command);
    assertThat(result.exit()).as("%s: %s", result, result.errors()).isZero();
    return image;
  }
}
