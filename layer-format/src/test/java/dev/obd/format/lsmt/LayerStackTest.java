package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSourceContract;
import dev.obd.io.BlockSources;
import dev.obd.io.ExtentMap;
import dev.obd.testdata.DeviceModel;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LayerStackTest {
  private static final int SIZE = 4 << 20;

  @TempDir(factory = FastDir.class)
  private Path dir;

  static LongStream seeds() {
    return LsmtFiles.seeds();
  }

  /** A disk made of one imported layer. */
  @Nested
  class OneLayer extends BlockSourceContract {
    @Override
    protected int granularity() {
      return 512;
    }

    @Override
    protected BlockSource open(byte[] content) throws IOException {
      return LayerStack.open(List.of(LsmtFiles.open(imported(content, Optional.empty()))));
    }
  }

  /** A disk of which some blocks come from below. */
  @Nested
  class TwoLayers extends BlockSourceContract {
    @Override
    protected int granularity() {
      return 512;
    }

    @Override
    protected BlockSource open(byte[] content) throws IOException {
      byte[] base = content.clone();
      var random = new SplittableRandom(content.length);
      for (int i = 0; i < base.length; i += 10_000) {
        base[random.nextInt(base.length)] ^= 1;
      }
      BlockSource below = BlockSources.ofBytes("base", ByteBuffer.wrap(base));
      return LayerStack.open(
          List.of(
              LsmtFiles.open(imported(base, Optional.empty())),
              LsmtFiles.open(imported(content, Optional.of(below)))));
    }
  }

  private byte[] imported(byte[] disk, Optional<BlockSource> base) throws IOException {
    BlockSource raw = BlockSources.ofBytes("raw", ByteBuffer.wrap(disk));
    return LsmtFiles.bytes(
        out -> RawLayerWriter.write(raw, base, ImportOptions.NONE, out, n -> {}));
  }

  /** Writes random operations into a new layer and commits it. */
  private byte[] layer(SplittableRandom random, long size, int ops, DeviceModel model)
      throws IOException {
    Path data = dir.resolve("rw." + random.nextLong());
    Path index = dir.resolve("rwi." + random.nextLong());
    try (WritableLayer layer = WritableLayer.create(data, index, WritableOptions.ofSize(size))) {
      for (int i = 0; i < ops; i++) {
        RandomOp op = RandomOp.next(random, size);
        op.applyTo(layer);
        op.applyTo(model);
      }
      return LsmtFiles.bytes(out -> LayerCommitter.commit(layer, CommitOptions.NONE, out));
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everyByteComesFromTheTopmostLayerThatHasIt(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    var model = new DeviceModel(SIZE);
    int layers = random.nextInt(1, 30);
    List<SealedLayer> lowestFirst = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      lowestFirst.add(LsmtFiles.open(layer(random, SIZE, random.nextInt(20), model)));
    }
    try (LayerStack stack = LayerStack.open(lowestFirst)) {
      assertThat(LsmtFiles.read(stack, 0, SIZE)).isEqualTo(model.read(0, SIZE));
      for (int i = 0; i < 200; i++) {
        int from = random.nextInt(SIZE);
        int length = random.nextInt(Math.min(SIZE - from, 100_000) + 1);
        assertThat(LsmtFiles.read(stack, from, length)).isEqualTo(model.read(from, length));
      }
      extentsCover(stack, model, random);
      layerRangesHoldTheData(stack, model, random);
      mergeReadsTheSame(stack, model);
    }
  }

  private static void extentsCover(LayerStack stack, DeviceModel model, SplittableRandom random)
      throws IOException {
    long from = random.nextInt(SIZE);
    long length = random.nextLong(SIZE - from + 1);
    long[] at = {from};
    List<ExtentMap.Kind> kinds = new ArrayList<>();
    stack.extents(
        from,
        length,
        (offset, n, kind) -> {
          assertThat(offset).isEqualTo(at[0]);
          assertThat(n).isPositive();
          if (!kinds.isEmpty()) {
            assertThat(kind).as("neighbours are joined").isNotEqualTo(kinds.getLast());
          }
          kinds.add(kind);
          if (kind != ExtentMap.Kind.DATA) {
            assertThat(model.read(offset, (int) n)).containsOnly(0);
          }
          at[0] += n;
          return true;
        });
    assertThat(at[0]).isEqualTo(from + length);
  }

  private static void layerRangesHoldTheData(
      LayerStack stack, DeviceModel model, SplittableRandom random) throws IOException {
    int from = random.nextInt(SIZE);
    int length = random.nextInt(SIZE - from + 1);
    ByteBuffer data = ByteBuffer.allocate(SIZE);
    stack.forEachLayerRange(
        from,
        length,
        (layer, offset, n) -> {
          data.put(LsmtFiles.read(stack.layers().get(layer).source(), offset, Math.toIntExact(n)));
          return true;
        });
    ByteBuffer expected = ByteBuffer.allocate(SIZE);
    stack.extents(
        from,
        length,
        (offset, n, kind) -> {
          if (kind == ExtentMap.Kind.DATA) {
            expected.put(model.read(offset, (int) n));
          }
          return true;
        });
    assertThat(data.flip()).isEqualTo(expected.flip());
  }

  private void mergeReadsTheSame(LayerStack stack, DeviceModel model) throws IOException {
    byte[] merged = LsmtFiles.bytes(out -> LayerMerger.merge(stack, CommitOptions.NONE, out));
    try (LayerStack flat = LayerStack.open(List.of(LsmtFiles.open(merged)))) {
      assertThat(LsmtFiles.read(flat, 0, SIZE)).isEqualTo(model.read(0, SIZE));
    }
  }

  @Test
  void theTopmostLayerWithASizeGivesTheSize() throws IOException {
    var model = new DeviceModel(SIZE);
    var random = new SplittableRandom(1);
    byte[] large = layer(random, SIZE, 10, model);
    byte[] small = layer(random, 1 << 20, 0, model);
    byte[] sizeless = layer(random, 0, 0, model);
    try (LayerStack stack =
        LayerStack.open(
            List.of(LsmtFiles.open(large), LsmtFiles.open(small), LsmtFiles.open(sizeless)))) {
      assertThat(stack.size()).isEqualTo(1 << 20);
      assertThat(LsmtFiles.read(stack, 0, 1 << 20)).isEqualTo(model.read(0, 1 << 20));
      assertThatThrownBy(() -> LsmtFiles.read(stack, 1 << 20, 1)).isInstanceOf(EOFException.class);
      stack.forEachLayerRange(
          (1 << 20) - 512,
          SIZE,
          (layer, offset, length) -> {
            assertThat(length).isLessThanOrEqualTo(512);
            return true;
          });
      byte[] merged = LsmtFiles.bytes(out -> LayerMerger.merge(stack, CommitOptions.NONE, out));
      assertThat(LsmtFiles.open(merged).virtualSize()).isEqualTo(1 << 20);
    }
  }

  @Test
  void aStackHasOneTo255Layers() throws IOException {
    byte[] file = layer(new SplittableRandom(2), SIZE, 3, new DeviceModel(SIZE));
    List<SealedLayer> layers = new ArrayList<>();
    for (int i = 0; i < 256; i++) {
      layers.add(LsmtFiles.open(file));
    }
    LayerStack.open(layers.subList(0, 255)).close();
    assertThatThrownBy(() -> LayerStack.open(layers))
        .hasMessage("layer stack: 1 to 255 layers expected, got 256");
    assertThatThrownBy(() -> LayerStack.open(List.of()))
        .hasMessage("layer stack: 1 to 255 layers expected, got 0");
  }

  @Test
  void recordsThatContinueEachOtherAreOneReadOfTheLayer() throws IOException {
    byte[] disk = new byte[20 << 20];
    Arrays.fill(disk, (byte) 7);
    List<Long> reads = new ArrayList<>();
    byte[] file = imported(disk, Optional.empty());
    try (LayerStack stack = LayerStack.open(List.of(LsmtFiles.open(file)))) {
      assertThat(stack.index().count()).isEqualTo(3);
      stack.forEachLayerRange(0, disk.length, (layer, offset, length) -> reads.add(length));
    }
    assertThat(reads).containsExactly(20L << 20);
  }

  @Test
  void wrongBytesAreEvictedFromTheLayerTheyCameFrom() throws IOException {
    byte[] file = imported(new byte[] {1, 2, 3}, Optional.empty());
    List<String> evicted = new ArrayList<>();
    BlockSource source =
        new ForwardingSource(BlockSources.ofBytes("layer", ByteBuffer.wrap(file))) {
          @Override
          public boolean evict(long offset, long length) {
            return evicted.add(offset + "+" + length);
          }
        };
    try (LayerStack stack = LayerStack.open(List.of(SealedLayer.open(source)))) {
      assertThat(stack.size()).isEqualTo(512);
      assertThat(stack.evict(0, 3)).isTrue();
    }
    assertThat(evicted).containsExactly("4096+3");
  }
}
