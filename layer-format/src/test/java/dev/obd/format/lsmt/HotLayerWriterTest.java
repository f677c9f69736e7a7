package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HotLayerWriterTest {
  static LongStream seeds() {
    return LsmtFiles.seeds();
  }

  private static BlockSource source(byte[] bytes) {
    return BlockSources.ofBytes("disk", ByteBuffer.wrap(bytes));
  }

  private static byte[] write(byte[] disk, Range... parts) throws IOException {
    return LsmtFiles.bytes(
        out -> HotLayerWriter.write(source(disk), List.of(parts), CommitOptions.NONE, out));
  }

  @Test
  void dataLiesInTheOrderGivenAndTheIndexInThatOfTheDisk() throws IOException {
    byte[] disk = new byte[64 << 10];
    new Random(3).nextBytes(disk);
    Arrays.fill(disk, 8192, 12288, (byte) 0);
    byte[] file = write(disk, new Range(32768, 4096), new Range(8192, 8192), new Range(512, 1024));
    List<String> segments = new ArrayList<>();
    try (SealedLayer layer = LsmtFiles.open(file)) {
      layer
          .index()
          .forEach((first, count, data, zeroed, tag) ->
              segments.add(first + "+" + count + (zeroed ? " zeroed" : "") + " @" + data));
      assertThat(layer.virtualSize()).isEqualTo(disk.length);
    }
    assertThat(segments).as("zeros are data").containsExactly("1+2 @32", "16+16 @16", "64+8 @8");
    assertThat(Arrays.copyOfRange(file, 4096, 8192))
        .isEqualTo(Arrays.copyOfRange(disk, 32768, 36864));
    assertThat(Arrays.copyOfRange(file, 8192, 16384))
        .isEqualTo(Arrays.copyOfRange(disk, 8192, 16384));
  }

  @Test
  void aPartLongerThanARecordIsSeveral() throws IOException {
    byte[] disk = new byte[9 << 20];
    new Random(4).nextBytes(disk);
    byte[] file = write(disk, new Range(0, disk.length));
    try (SealedLayer layer = LsmtFiles.open(file)) {
      assertThat(layer.index().count()).isEqualTo(2);
    }
  }

  @Test
  void partsThatAreNoneAreRefused() {
    byte[] disk = new byte[16 << 10];
    assertThatThrownBy(() -> write(disk, new Range(100, 512)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("whole sectors");
    assertThatThrownBy(() -> write(disk, new Range(16384, 512)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> write(disk, new Range(4096, 1024), new Range(4608, 4096)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("twice");
  }

  /** The layer and the disk below it, against the disk alone. */
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void onTopOfItsDiskItChangesNothingAndKeepsTheRulesOfTheFormat(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] disk = new byte[random.nextInt(1, 3000) * 512];
    new Random(seed).nextBytes(disk);
    List<Range> parts = parts(random, disk.length / 512);
    byte[] base =
        LsmtFiles.bytes(out ->
            RawLayerWriter.write(
                source(disk), java.util.Optional.empty(), ImportOptions.NONE, out, n -> {}));
    UUID id = new UUID(seed, 7);
    CommitOptions options = CommitOptions.NONE.withUuid(id);
    byte[] file;
    List<SealedLayer> layers = List.of(LsmtFiles.open(base));
    try (LayerStack below = LayerStack.open(layers)) {
      file = LsmtFiles.bytes(out -> HotLayerWriter.write(below, parts, options, out));
      assertThat(LsmtFiles.bytes(out -> HotLayerWriter.write(below, parts, options, out)))
          .as("same input, same bytes")
          .isEqualTo(file);
    }
    requireRules(file, disk.length, id, parts);
    try (LayerStack stack = LayerStack.open(List.of(LsmtFiles.open(base), LsmtFiles.open(file)))) {
      assertThat(LsmtFiles.read(stack, 0, disk.length)).isEqualTo(disk);
    }
    try (LayerStack alone = LayerStack.open(List.of(LsmtFiles.open(file)))) {
      byte[] expected = new byte[disk.length];
      for (Range part : parts) {
        System.arraycopy(
            disk, (int) part.offset(), expected, (int) part.offset(), (int) part.length());
      }
      assertThat(LsmtFiles.read(alone, 0, disk.length)).as("no more").isEqualTo(expected);
    }
  }

  private static List<Range> parts(SplittableRandom random, int sectors) {
    List<Range> parts = new ArrayList<>();
    for (int at = random.nextInt(8); at < sectors; at += random.nextInt(16)) {
      int n = Math.min(random.nextInt(1, 64), sectors - at);
      parts.add(new Range(at * 512L, n * 512L));
      at += n;
    }
    Collections.shuffle(parts, new Random(random.nextLong()));
    return parts;
  }

  /** What any reader of the format may rely on, read from the bytes and not by our reader. */
  private static void requireRules(byte[] file, long size, UUID id, List<Range> parts) {
    ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int trailer = file.length - 4096;
    for (int at : new int[] {0, trailer}) {
      assertThat(b.getLong(at)).as("magic0").isEqualTo(0x0002_0100_544D_534CL);
      assertThat(b.getLong(at + 8)).as("magic1").isEqualTo(0x4C08_4494_D263_7E65L);
      assertThat(b.getLong(at + 16)).as("magic1").isEqualTo(0x8AAE_CF4F_ECC8_D2A2L);
      assertThat(b.getInt(at + 24)).as("size").isEqualTo(390);
      assertThat(b.getLong(at + 48)).as("virtual size").isEqualTo(size);
      assertThat(new String(file, at + 56, 37, java.nio.charset.StandardCharsets.US_ASCII))
          .isEqualTo(id.toString().toUpperCase(java.util.Locale.ROOT) + "\0");
      assertThat(new String(file, at + 93, 37, java.nio.charset.StandardCharsets.US_ASCII))
          .isEqualTo("00000000-0000-0000-0000-000000000000\0");
      assertThat(b.getShort(at + 132)).as("version 1.1").isEqualTo((short) 0x0101);
    }
    assertThat(b.getInt(28)).as("header flags").isEqualTo(7);
    assertThat(b.getInt(trailer + 28)).as("trailer flags").isEqualTo(6);
    assertThat(b.getLong(32) | b.getLong(40)).as("no index in the header").isZero();
    long indexOffset = b.getLong(trailer + 32);
    long records = b.getLong(trailer + 40);
    assertThat(records % 256).as("whole pages").isZero();
    assertThat(indexOffset + records * 16).as("the index ends at the trailer").isEqualTo(trailer);
    long data = parts.stream().mapToLong(Range::length).sum();
    assertThat(indexOffset).as("data without gaps").isEqualTo(4096 + data);
    long end = 0;
    for (int i = 0; i < records; i++) {
      long w0 = b.getLong((int) indexOffset + 16 * i);
      long w1 = b.getLong((int) indexOffset + 16 * i + 8);
      if ((w0 & ((1L << 50) - 1)) == (1L << 50) - 1) {
        assertThat(w0 >>> 50 | w1).as("padding").isZero();
        continue;
      }
      assertThat(w0 & ((1L << 50) - 1)).as("sorted and disjoint").isGreaterThanOrEqualTo(end);
      end = (w0 & ((1L << 50) - 1)) + (w0 >>> 50);
      assertThat(w1 >>> 55).as("data, tag 0").isZero();
      assertThat(w1).as("behind the header").isGreaterThanOrEqualTo(8);
      assertThat((w1 + (w0 >>> 50)) * 512).as("before the index").isLessThanOrEqualTo(indexOffset);
    }
  }
}
