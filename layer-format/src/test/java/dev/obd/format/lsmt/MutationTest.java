package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import dev.obd.testdata.Golden;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged headers, trailers and indexes end in a format error or in a layer that can be used. */
class MutationTest {
  private static final long[] NASTY = {
    0,
    1,
    -1,
    8,
    511,
    512,
    4096,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    1L << 50,
    (1L << 50) - 1,
    1L << 55,
    0xffff_ffffL,
    1_000_000,
    1_000_001,
    128_000_000
  };

  @TempDir(factory = FastDir.class)
  private Path dir;

  static LongStream seeds() {
    return LsmtFiles.seeds();
  }

  /** Changes a few bytes or words within {@code from..to}. */
  private static void mutate(byte[] file, int from, int to, SplittableRandom random) {
    ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = random.nextInt(1, 5); i > 0; i--) {
      int at = random.nextInt(from, to);
      switch (random.nextInt(4)) {
        case 0 -> file[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> file[at] = (byte) random.nextInt();
        case 2 -> b.putLong(Math.min(at / 8 * 8, to - 8), NASTY[random.nextInt(NASTY.length)]);
        default -> b.putLong(Math.min(at / 8 * 8, to - 8), random.nextLong());
      }
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void sealedLayers(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    int opened = 0;
    for (String name : List.of("b2-commit-plain/layer.obd", "b1-sealed/overlaybd.sealed")) {
      byte[] good = Files.readAllBytes(Golden.dir().resolve(name));
      int indexAt = (int) LsmtFiles.open(good).trailer().indexOffset();
      for (int i = 0; i < 4_000; i++) {
        byte[] bad = good.clone();
        switch (random.nextInt(5)) {
          case 0 -> mutate(bad, 0, 134, random);
          case 1 -> mutate(bad, bad.length - 4096, bad.length - 4096 + 134, random);
          case 2 -> mutate(bad, indexAt, indexAt + 23 * 16, random);
          case 3 -> bad = Arrays.copyOf(bad, random.nextInt(bad.length));
          default -> mutate(bad, indexAt, bad.length, random);
        }
        opened += open(bad) ? 1 : 0;
      }
    }
    assertThat(opened).as("some damage does not matter").isPositive();
  }

  private static boolean open(byte[] file) throws IOException {
    SealedLayer layer;
    try {
      layer = SealedLayer.open(BlockSources.ofBytes("bad", ByteBuffer.wrap(file)));
    } catch (FormatException e) {
      assertThat(e).hasMessageStartingWith("bad @" + e.offset() + ": " + e.field() + ": ");
      return false;
    }
    try (LayerStack stack = LayerStack.open(List.of(layer))) {
      ByteBuffer dst = ByteBuffer.allocate((int) Math.min(stack.size(), 1 << 16));
      stack.read(0, dst);
      stack.read(stack.size() - dst.flip().remaining(), dst);
      // Whatever the index says now, each of its extents is there to be read.
      stack.forEachLayerRange(
          0,
          Long.MAX_VALUE,
          (index, offset, length) -> {
            layer.source().read(offset, ByteBuffer.allocate((int) length));
            return true;
          });
    }
    return true;
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void writableLayers(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] goodData = Files.readAllBytes(Golden.dir().resolve("a2-rw-16m/rw.data"));
    byte[] goodIndex = Files.readAllBytes(Golden.dir().resolve("a2-rw-16m/rw.index"));
    Path data = Files.write(dir.resolve("data"), goodData);
    Path index = dir.resolve("index");
    int opened = 0;
    for (int i = 0; i < 600; i++) {
      byte[] bad = goodIndex.clone();
      switch (random.nextInt(3)) {
        case 0 -> mutate(bad, 0, 134, random);
        case 1 -> mutate(bad, 4096, bad.length, random);
        default -> bad = Arrays.copyOf(bad, random.nextInt(bad.length + 100));
      }
      Files.write(index, bad);
      try (var disk = WritableStack.open(WritableLayer.open(data, index), Optional.empty())) {
        opened++;
        disk.read(0, ByteBuffer.allocate((int) Math.min(disk.size(), 16 << 20)));
      } catch (FormatException e) {
        assertThat(e.blob()).isEqualTo(index.toString());
      } catch (EOFException e) {
        fail("seed " + seed + ", mutation " + i, e);
      }
      if (opened % 20 == 0) {
        Files.write(data, goodData);
      }
    }
    assertThat(opened).isPositive();
  }
}
