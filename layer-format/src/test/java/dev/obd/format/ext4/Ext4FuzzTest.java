package dev.obd.format.ext4;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged file systems end in an {@link IOException} or a result, in bounded time and memory. */
@Timeout(value = 600, unit = TimeUnit.SECONDS)
class Ext4FuzzTest {
  private static final int MUTANTS_PER_IMAGE = 2_500;
  private static final long MOST_BYTES = 64 << 20;
  private static final int[] NASTY = {
    0, 1, -1, 2, 0xFFFF, 0x8000, 0x10000, 0xF30A, 0xF30A | 4 << 16, 1 << 31, Integer.MAX_VALUE
  };

  @TempDir private Path directory;

  @BeforeEach
  void needsE2fsprogs() {
    Tools.requireOnPath("mke2fs", "e2fsck");
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#fewSeeds")
  void damagedFileSystemsEndInAnErrorOrInAResult(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    for (byte[] image : images()) {
      int[] metadata = nonZeroWords(image);
      for (int i = 0; i < MUTANTS_PER_IMAGE; i++) {
        byte[] mutant = mutate(image, metadata, random);
        long before = allocated();
        try {
          readAll(BlockSources.ofBytes("mutant", ByteBuffer.wrap(mutant)));
        } catch (IOException e) {
          assertThat(e.getMessage()).isNotBlank();
        }
        assertThat(allocated() - before).isLessThan(MOST_BYTES);
      }
    }
  }

  private static void readAll(BlockSource disk) throws IOException {
    Ext4Reader reader = Ext4Reader.openWithoutRecovery(disk);
    reader.resolve("/d/up/d/file");
    reader.walk(
        reader.root(),
        (path, inode) -> {
          switch (inode.type()) {
            case SYMLINK -> reader.readLink(inode);
            case REGULAR -> {
              reader.ranges(inode);
              BlockSource content = reader.content(inode);
              int n = (int) Math.min(content.size(), 20_000);
              BlockSources.readFully(content, 0, n);
              BlockSources.readFully(content, content.size() - n, n);
            }
            default -> reader.ranges(inode);
          }
        });
  }

  private List<byte[]> images() throws Exception {
    Path tree = Files.createDirectory(directory.resolve("tree"));
    Path d = Files.createDirectory(tree.resolve("d"));
    Files.write(d.resolve("file"), new byte[] {1, 2, 3});
    Files.writeString(d.resolve("inline"), "x".repeat(100));
    Files.createSymbolicLink(d.resolve("up"), Path.of(".."));
    Files.createSymbolicLink(d.resolve("long"), Path.of("z".repeat(80)));
    try (var sparse =
        FileChannel.open(
            tree.resolve("sparse"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (int i = 0; i < 20; i++) {
        sparse.write(ByteBuffer.wrap(new byte[] {1}), i * 8192L);
      }
      sparse.write(ByteBuffer.wrap(new byte[] {1}), 70_000_000);
    }
    for (int i = 0; i < 40; i++) {
      Files.writeString(d.resolve("a-name-long-enough-to-need-more-blocks-" + i), "");
    }
    var images = new ArrayList<byte[]>();
    for (String options :
        new String[] {
          "-t ext4 -b 1024 -O ^has_journal,^resize_inode",
          "-t ext2 -b 1024 -O ^resize_inode",
          "-t ext4 -b 1024 -O ^has_journal,inline_data,meta_bg,^resize_inode",
          "-t ext4 -b 4096 -O ^has_journal,^resize_inode,64bit"
        }) {
      Path image = directory.resolve("image" + images.size());
      var command = new ArrayList<>(List.of("mke2fs", "-q", "-F", "-N", "80", "-d", tree + ""));
      command.addAll(List.of(options.split(" ")));
      command.addAll(List.of(image.toString(), "320k"));
      Processes.run(command.toArray(String[]::new));
      images.add(Files.readAllBytes(image));
    }
    return images;
  }

  /** Where the image says something: damage elsewhere goes unseen. */
  private static int[] nonZeroWords(byte[] image) {
    var words = ByteBuffer.wrap(image);
    return java.util.stream.IntStream.iterate(0, at -> at < image.length, at -> at + 4)
        .filter(at -> words.getInt(at) != 0)
        .toArray();
  }

  private static byte[] mutate(byte[] image, int[] metadata, SplittableRandom random) {
    byte[] mutant = image.clone();
    var words = ByteBuffer.wrap(mutant).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = random.nextInt(1, 8); i > 0; i--) {
      int at = metadata[random.nextInt(metadata.length)];
      switch (random.nextInt(5)) {
        case 0 -> mutant[at + random.nextInt(4)] ^= (byte) (1 << random.nextInt(8));
        case 1 -> words.putInt(at, NASTY[random.nextInt(NASTY.length)]);
        case 2 -> words.putShort(at + random.nextInt(2) * 2, (short) random.nextInt(20));
        case 3 -> words.putInt(at, random.nextInt(image.length / 1024 + 2)); // a block, an inode
        default -> words.putInt(at, words.getInt(metadata[random.nextInt(metadata.length)]));
      }
    }
    words.putShort(1024 + 0x38, (short) 0xEF53);
    return random.nextInt(20) == 0 ? Arrays.copyOf(mutant, random.nextInt(mutant.length)) : mutant;
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }
}
