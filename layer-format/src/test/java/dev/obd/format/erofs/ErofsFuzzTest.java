package dev.obd.format.erofs;

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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged file systems end in an {@link IOException} or a result, in bounded time and memory. */
@Timeout(value = 600, unit = TimeUnit.SECONDS)
class ErofsFuzzTest {
  private static final int MUTANTS_PER_IMAGE = 700;
  private static final long MOST_BYTES = 64 << 20;
  private static final int[] NASTY = {
    0, 1, -1, 2, 4, 0xFFFF, 0x8000, 0x10000, 0x1F, 0x20, 1 << 31, Integer.MAX_VALUE
  };

  @TempDir private Path directory;

  @BeforeEach
  void needsErofsUtils() {
    Tools.requireOnPath("mkfs.erofs");
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#fewSeeds")
  void damagedFileSystemsEndInAnErrorOrInAResult(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    for (byte[] image : images()) {
      int[] metadata = metadata(image);
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
    ErofsReader reader = ErofsReader.open(disk);
    reader.resolve("/d/up/d/file");
    reader.walk(
        reader.root(),
        (path, inode) -> {
          reader.ranges(inode);
          switch (inode.type()) {
            case SYMLINK -> reader.readLink(inode);
            case REGULAR -> {
              if (!((ErofsInode) inode).compressed()) {
                BlockSource content = reader.content(inode);
                int n = (int) Math.min(content.size(), 20_000);
                BlockSources.readFully(content, 0, n);
                BlockSources.readFully(content, content.size() - n, n);
              }
            }
            default -> {}
          }
        });
  }

  private List<byte[]> images() throws Exception {
    Path tree = Files.createDirectory(directory.resolve("tree"));
    Path d = Files.createDirectory(tree.resolve("d"));
    Files.write(d.resolve("file"), new byte[] {1, 2, 3});
    Files.createSymbolicLink(d.resolve("up"), Path.of(".."));
    Files.createSymbolicLink(d.resolve("long"), Path.of("z".repeat(80)));
    Files.writeString(tree.resolve("text"), "some text, again and again; ".repeat(6_000));
    byte[] noise = new byte[50_000];
    new SplittableRandom(1).nextBytes(noise);
    Files.write(tree.resolve("noise"), noise);
    for (int i = 0; i < 40; i++) {
      Files.writeString(d.resolve("a-name-long-enough-to-need-more-blocks-" + i), "");
    }
    var images = new ArrayList<byte[]>();
    for (String options :
        new String[] {
          "-x2",
          "--chunksize=4096",
          "--chunksize=4096 -Eforce-chunk-indexes,force-inode-compact",
          "-zlz4",
          "-zlz4hc -C16384 -Elegacy-compress"
        }) {
      Path image = directory.resolve("image" + images.size());
      var command = new ArrayList<>(List.of("mkfs.erofs", "--quiet"));
      command.addAll(List.of(options.split(" ")));
      command.addAll(List.of(image.toString(), tree.toString()));
      Processes.run(command.toArray(String[]::new));
      images.add(Files.readAllBytes(image));
    }
    return images;
  }

  /** Where inodes, tables and names are: damage to contents goes unseen. */
  private static int[] metadata(byte[] image) throws IOException {
    ErofsReader reader = ErofsReader.open(BlockSources.ofBytes("image", ByteBuffer.wrap(image)));
    boolean[] wanted = new boolean[image.length / 4];
    Arrays.fill(wanted, 1024 / 4, (1024 + 128) / 4, true);
    reader.walk(
        reader.root(),
        (path, inode) -> {
          int to = (int) Math.min(image.length, ((ErofsInode) inode).end() + 64);
          Arrays.fill(wanted, (int) inode.offset() / 4, to / 4, true);
          if (inode.type() == dev.obd.format.files.FileType.DIRECTORY) {
            for (var range : reader.ranges(inode)) {
              Arrays.fill(wanted, (int) range.offset() / 4, (int) range.end() / 4, true);
            }
          }
        });
    return IntStream.range(0, wanted.length).filter(i -> wanted[i]).map(i -> i * 4).toArray();
  }

  private static byte[] mutate(byte[] image, int[] metadata, SplittableRandom random) {
    byte[] mutant = image.clone();
    var words = ByteBuffer.wrap(mutant).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = random.nextInt(1, 8); i > 0; i--) {
      int at = metadata[random.nextInt(metadata.length)];
      switch (random.nextInt(5)) {
        case 0 -> mutant[at + random.nextInt(4)] ^= (byte) (1 << random.nextInt(8));
        case 1 -> words.putInt(at, NASTY[random.nextInt(NASTY.length)]);
        case 2 -> words.putShort(at + random.nextInt(2) * 2, (short) random.nextInt(64));
        case 3 -> words.putInt(at, random.nextInt(image.length / 32)); // a block, an inode
        default -> words.putInt(at, words.getInt(metadata[random.nextInt(metadata.length)]));
      }
    }
    words.putInt(1024, 0xE0F5_E1E2);
    return random.nextInt(20) == 0 ? Arrays.copyOf(mutant, random.nextInt(mutant.length)) : mutant;
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }
}
