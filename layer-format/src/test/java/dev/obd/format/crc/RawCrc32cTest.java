package dev.obd.format.crc;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RawCrc32cTest {
  private static final byte[] DIGITS = "123456789".getBytes(StandardCharsets.US_ASCII);

  @Test
  void theVectorsOfTheFormatHold() {
    assertThat(RawCrc32c.of(0, DIGITS)).isEqualTo(0x58E3FA20);
    assertThat(RawCrc32c.of(100_007, DIGITS)).isEqualTo(0x3C9BD4E0);
    assertThat(~RawCrc32c.of(-1, DIGITS)).as("standard CRC-32C").isEqualTo(0xE3069283);
  }

  @Test
  void nothingLeavesTheSeed() {
    assertThat(RawCrc32c.of(0, new byte[0])).isZero();
    assertThat(RawCrc32c.of(0xCAFEBABE, new byte[0])).isEqualTo(0xCAFEBABE);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#manySeeds")
  void itIsTheBareRegisterOfTheBitwiseAlgorithm(long seed) {
    var random = new SplittableRandom(seed);
    byte[] bytes = new byte[random.nextInt(5_000)];
    random.nextBytes(bytes);
    int from = random.nextInt(bytes.length + 1);
    int length = random.nextInt(bytes.length - from + 1);
    int start = random.nextInt();
    int expected = bitwise(start, bytes, from, length);

    assertThat(RawCrc32c.of(start, bytes, from, length)).isEqualTo(expected);
    ByteBuffer heap = ByteBuffer.wrap(bytes, from, length);
    assertThat(RawCrc32c.of(start, heap)).isEqualTo(expected);
    assertThat(heap.position()).isEqualTo(from);
    assertThat(heap.remaining()).isEqualTo(length);
    assertThat(RawCrc32c.of(start, heap.asReadOnlyBuffer())).isEqualTo(expected);
    ByteBuffer direct = ByteBuffer.allocateDirect(bytes.length).put(0, bytes);
    direct.limit(from + length).position(from);
    assertThat(RawCrc32c.of(start, direct)).isEqualTo(expected);
    assertThat(direct.position()).isEqualTo(from);

    int cut = random.nextInt(length + 1);
    int first = RawCrc32c.of(start, bytes, from, cut);
    assertThat(RawCrc32c.of(first, bytes, from + cut, length - cut))
        .as("in two pieces")
        .isEqualTo(expected);
  }

  private static int bitwise(int seed, byte[] bytes, int from, int length) {
    int register = seed;
    for (int i = from; i < from + length; i++) {
      register ^= bytes[i] & 0xFF;
      for (int bit = 0; bit < 8; bit++) {
        register = (register & 1) != 0 ? register >>> 1 ^ 0x82F63B78 : register >>> 1;
      }
    }
    return register;
  }
}
