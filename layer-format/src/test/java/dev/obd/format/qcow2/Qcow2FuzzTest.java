package dev.obd.format.qcow2;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.obd.io.BlockSources;
import dev.obd.io.ExtentMap;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** Damaged images end in an {@link IOException} or in bytes, in bounded time and memory. */
@Timeout(value = 600, unit = TimeUnit.SECONDS)
class Qcow2FuzzTest {
  private static final int MUTANTS_PER_IMAGE = 1_500;
  private static final long MOST_BYTES = 24 << 20;
  private static final long[] NASTY = {
    0, 1, -1, 511, 512, 4096, 1L << 62, 1L << 63, Long.MAX_VALUE, 0x00FF_FFFF_FFFF_FE00L, 1L << 31
  };

  @TempDir private Path directory;

  @BeforeEach
  void needsQemu() {
    Tools.requireOnPath("qemu-img");
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#fewSeeds")
  void damagedImagesEndInAnErrorOrInBytes(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    for (byte[] image : images()) {
      for (int i = 0; i < MUTANTS_PER_IMAGE; i++) {
        byte[] mutant = mutate(image, random);
        long before = allocated();
        try (var disk = Qcow2.open(BlockSources.ofBytes("mutant", ByteBuffer.wrap(mutant)))) {
          readSome(disk, random);
        } catch (IOException e) {
          assertThat(e.getMessage()).isNotBlank();
        }
        assertThat(allocated() - before).isLessThan(MOST_BYTES);
      }
    }
  }

  private static void readSome(Qcow2 disk, SplittableRandom random) throws IOException {
    var buffer = ByteBuffer.allocate((int) Math.min(disk.size(), 300_000));
    disk.read(0, buffer);
    for (int i = 0; i < 3 && disk.size() > buffer.capacity(); i++) {
      disk.read(random.nextLong(disk.size() - buffer.capacity() + 1), buffer.clear());
    }
    var left = new int[] {1_000};
    ExtentMap.Visitor visitor = (offset, length, kind) -> --left[0] > 0;
    disk.extents(0, Math.min(disk.size(), 1 << 24), visitor);
  }

  private List<byte[]> images() throws Exception {
    byte[] content = Qcow2Test.sparse(new SplittableRandom(9), 256 << 10);
    Path raw = Files.write(directory.resolve("raw"), content);
    var images = new ArrayList<byte[]>();
    for (String options :
        new String[] {
          "-o cluster_size=512,compat=0.10",
          "-o cluster_size=512",
          "-o cluster_size=4k",
          "-c -o cluster_size=512",
          "-c -o cluster_size=4k,compression_type=zstd",
          "-c -o cluster_size=64k,compression_type=zstd",
          "-S 0 -o cluster_size=64k,preallocation=metadata"
        }) {
      Path image = directory.resolve("image");
      var command = new ArrayList<>(List.of("qemu-img", "convert", "-f", "raw", "-O", "qcow2"));
      command.addAll(List.of(options.split(" ")));
      command.addAll(List.of(raw.toString(), image.toString()));
      Processes.run(command.toArray(String[]::new));
      images.add(Files.readAllBytes(image));
    }
    return images;
  }

  /** Half of the damage hits the header; words that look like offsets or sizes are favoured. */
  private static byte[] mutate(byte[] image, SplittableRandom random) {
    byte[] mutant = image.clone();
    var words = ByteBuffer.wrap(mutant);
    for (int i = random.nextInt(1, 6); i > 0; i--) {
      int at = random.nextInt(random.nextBoolean() ? 112 : mutant.length - 8);
      switch (random.nextInt(4)) {
        case 0 -> mutant[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> words.putLong(at & ~7, NASTY[random.nextInt(NASTY.length)]);
        case 2 -> words.putInt(at & ~3, random.nextInt(1 << random.nextInt(31)));
        default -> words.putLong(at & ~7, random.nextLong(mutant.length + 512L));
      }
    }
    words.putInt(0, Qcow2Header.MAGIC);
    return random.nextInt(10) == 0 ? Arrays.copyOf(mutant, random.nextInt(mutant.length)) : mutant;
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }
}
