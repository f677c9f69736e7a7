package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RawLayerWriterTest {
  @TempDir private Path dir;

  static LongStream seeds() {
    return LsmtFiles.seeds();
  }

  private static BlockSource source(byte[] bytes) {
    return BlockSources.ofBytes("raw", ByteBuffer.wrap(bytes));
  }

  private byte[] write(byte[] raw, Optional<byte[]> base) throws IOException {
    return LsmtFiles.bytes(out ->
        RawLayerWriter.write(
            source(raw), base.map(RawLayerWriterTest::source), ImportOptions.NONE, out, n -> {}));
  }

  private static List<String> segments(byte[] file) throws IOException {
    List<String> seen = new ArrayList<>();
    try (SealedLayer layer = LsmtFiles.open(file)) {
      layer
          .index()
          .forEach((first, count, data, zeroed, tag) ->
              seen.add(first + "+" + count + (zeroed ? " zeroed" : "") + " @" + data));
    }
    return seen;
  }

  /** Zeros, and blocks filled with their number where {@code blocks} says so. */
  private static byte[] disk(int size, int... blocks) {
    byte[] disk = new byte[size];
    for (int block : blocks) {
      Arrays.fill(disk, block * 4096, Math.min(size, (block + 1) * 4096), (byte) (block + 1));
    }
    return disk;
  }

  @Test
  void withoutABaseZerosAreAbsent() throws IOException {
    byte[] file = write(disk(100_000, 1, 2, 5, 24), Optional.empty());
    assertThat(segments(file)).containsExactly("8+16 @8", "40+8 @24", "192+4 @32");
    try (SealedLayer layer = LsmtFiles.open(file)) {
      assertThat(layer.virtualSize()).as("rounded up to sectors").isEqualTo(100_352);
      assertThat(layer.trailer().indexOffset()).isEqualTo(36 * 512);
      assertThat(layer.trailer().indexCount()).isEqualTo(256);
      assertThat(layer.header().flags()).isEqualTo(7);
    }
  }

  @Test
  void withABaseOnlyWhatDiffersIsStored() throws IOException {
    byte[] base = disk(80_000, 0, 1, 2, 3, 8, 9);
    byte[] raw = disk(100_000, 0, 2, 4, 9, 23);
    raw[9 * 4096 + 7] = 0;
    assertThat(segments(write(raw, Optional.of(base))))
        .containsExactly(
            "8+8 zeroed @8",
            "24+8 zeroed @8",
            "32+8 @8",
            "64+8 zeroed @16",
            "72+8 @16",
            "152+32 zeroed @24",
            "184+8 @24",
            "192+4 zeroed @32");
    assertThat(segments(write(base, Optional.of(base)))).isEmpty();
    assertThat(segments(write(disk(80_000), Optional.of(base))))
        .containsExactly("0+32 zeroed @8", "64+16 zeroed @8");
  }

  @Test
  void longRunsAreCutAsTheOriginalCutsThem() throws IOException {
    byte[] raw = new byte[17 << 20];
    Arrays.fill(raw, (byte) 1);
    assertThat(segments(write(raw, Optional.empty())))
        .containsExactly("0+16320 @8", "16320+16320 @16328", "32640+2176 @32648");
    assertThat(segments(write(new byte[17 << 20], Optional.of(raw))))
        .containsExactly("0+16383 zeroed @8", "16383+16383 zeroed @8", "32766+2050 zeroed @8");
  }

  @Test
  void idsAndTextAreWritten() throws IOException {
    UUID id = UUID.fromString("11111111-2222-4333-8444-555555555555");
    UUID parent = UUID.fromString("61111111-2222-4333-8444-555555555555");
    var options = new ImportOptions(Optional.of(id), Optional.of(parent), "imported");
    byte[] file =
        LsmtFiles.bytes(out ->
            RawLayerWriter.write(source(disk(9_000, 1)), Optional.empty(), options, out, n -> {}));
    try (SealedLayer layer = LsmtFiles.open(file)) {
      assertThat(layer.uuid()).isEqualTo(id);
      assertThat(layer.parentUuid()).isEqualTo(parent);
      assertThat(layer.userTag()).isEqualTo("imported");
      assertThat(layer.header().uuid()).isEqualTo(id);
    }
    assertThatThrownBy(() -> new ImportOptions(Optional.empty(), Optional.empty(), "x".repeat(257)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void progressEndsAtTheWholeDisk() throws IOException {
    List<Long> told = new ArrayList<>();
    byte[] raw = new byte[(2 << 20) + 100];
    LsmtFiles.bytes(out ->
        RawLayerWriter.write(source(raw), Optional.empty(), ImportOptions.NONE, out, told::add));
    assertThat(told).isSorted().endsWith((2L << 20) + 100);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void theLayerOnItsBaseReadsAsTheDisk(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] base = new byte[random.nextInt(3 << 20)];
    byte[] raw = new byte[random.nextInt(1, 3 << 20)];
    scatter(base, random);
    System.arraycopy(base, 0, raw, 0, Math.min(base.length, raw.length));
    scatter(raw, random);
    byte[] file = write(raw, Optional.of(base));
    assertThat(write(raw, Optional.of(base))).as("same input, same bytes").isEqualTo(file);
    byte[] below = write(base, Optional.empty());
    try (LayerStack stack = LayerStack.open(List.of(LsmtFiles.open(below), LsmtFiles.open(file)))) {
      byte[] rounded = Arrays.copyOf(raw, (raw.length + 511) / 512 * 512);
      assertThat(LsmtFiles.read(stack, 0, rounded.length)).isEqualTo(rounded);
    }
  }

  @Test
  void whatASmallerDiskCutOffStaysAwayWhenTheDiskGrowsAgain() throws IOException {
    byte[] large = disk(100_000, 1, 10, 20);
    byte[] small = disk(40_960, 1);
    byte[] again = disk(100_000, 1, 12);
    List<SealedLayer> layers =
        List.of(
            LsmtFiles.open(write(large, Optional.empty())),
            LsmtFiles.open(write(small, Optional.of(large))),
            LsmtFiles.open(write(again, Optional.of(small))));
    try (LayerStack stack = LayerStack.open(layers)) {
      assertThat(LsmtFiles.read(stack, 0, 100_352)).isEqualTo(Arrays.copyOf(again, 100_352));
    }
  }

  private static void scatter(byte[] disk, SplittableRandom random) {
    for (int i = 0; i < 60 && disk.length > 0; i++) {
      int from = random.nextInt(disk.length);
      int to = Math.min(disk.length, from + random.nextInt(1, 60_000));
      Arrays.fill(disk, from, to, (byte) random.nextInt(3));
    }
  }
}
