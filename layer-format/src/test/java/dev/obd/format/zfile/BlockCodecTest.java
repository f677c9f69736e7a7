package dev.obd.format.zfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.testdata.Contents;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import java.util.zip.DataFormatException;
import net.jpountz.lz4.LZ4Factory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BlockCodecTest {
  static Stream<BlockCodec> codecs() {
    return Stream.of(
        BlockCodec.of(Algorithm.LZ4),
        new Lz4Codec(LZ4Factory.safeInstance()), // where there is no native library
        BlockCodec.of(Algorithm.ZSTD));
  }

  private static ByteBuffer buffer(boolean direct, int capacity) {
    return direct
        ? ByteBuffer.allocateDirect(capacity)
        : ByteBuffer.allocate(capacity + 7).slice(7, capacity); // an array offset of 7
  }

  private static byte[] compress(BlockCodec codec, byte[] content) {
    byte[] out = new byte[content.length + BlockCodec.MAX_GROWTH];
    return Arrays.copyOf(out, codec.compress(content, 0, content.length, out, 0));
  }

  @ParameterizedTest
  @MethodSource("codecs")
  void anyKindOfBufferDecompressesIntoAnyOther(BlockCodec codec) throws DataFormatException {
    byte[] content = Contents.of("text", 4, 5000);
    byte[] compressed = compress(codec, content);
    for (boolean fromDirect : new boolean[] {false, true}) {
      for (boolean toDirect : new boolean[] {false, true}) {
        ByteBuffer src = buffer(fromDirect, compressed.length + 20).put(9, compressed);
        ByteBuffer dst = buffer(toDirect, content.length + 20);
        int n = codec.decompress(src, 9, compressed.length, dst, 3, content.length);
        assertThat(n).isEqualTo(content.length);
        byte[] got = new byte[dst.capacity()];
        dst.get(0, got);
        byte[] expected = new byte[dst.capacity()];
        System.arraycopy(content, 0, expected, 3, content.length);
        assertThat(got).isEqualTo(expected);
        assertThat(dst.position() + src.position()).isZero();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("codecs")
  void incompressibleBlocksFitTheRoomForGrowth(BlockCodec codec) throws DataFormatException {
    for (int length : new int[] {1, 2, 4096, 32768, 65536}) {
      byte[] content = Contents.of("rand", length, length);
      byte[] compressed = compress(codec, content);
      byte[] got = new byte[length];
      codec.decompress(
          ByteBuffer.wrap(compressed), 0, compressed.length, ByteBuffer.wrap(got), 0, length);
      assertThat(got).isEqualTo(content);
    }
  }

  @ParameterizedTest
  @MethodSource("codecs")
  void whatDoesNotFitIsMalformed(BlockCodec codec) {
    byte[] content = Contents.of("text", 4, 5000);
    byte[] compressed = compress(codec, content);
    byte[] got = new byte[5000];
    assertThatThrownBy(() ->
            codec.decompress(
                ByteBuffer.wrap(compressed), 0, compressed.length, ByteBuffer.wrap(got), 0, 4999))
        .isInstanceOf(DataFormatException.class);
    assertThat(got[4999]).isZero();
  }

  @ParameterizedTest
  @MethodSource("codecs")
  void garbageIsMalformedOrShortButNeverWritesOutside(BlockCodec codec) {
    var random = new SplittableRandom(77);
    byte[] good = compress(codec, Contents.of("text", 4, 4096));
    for (int i = 0; i < 5_000; i++) {
      byte[] bad = good.clone();
      for (int flips = random.nextInt(1, 6); flips > 0; flips--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt();
      }
      int length = random.nextInt(8) == 0 ? random.nextInt(bad.length + 1) : bad.length;
      boolean direct = random.nextBoolean();
      ByteBuffer dst = buffer(direct, 4096 + 64);
      for (int at = 0; at < dst.capacity(); at++) {
        dst.put(at, (byte) 0x5a);
      }
      try {
        int n = codec.decompress(buffer(direct, bad.length).put(0, bad), 0, length, dst, 32, 4096);
        assertThat(n).isBetween(0, 4096);
      } catch (DataFormatException e) {
        assertThat(e).hasMessageMatching("(?s)(LZ4|Zstandard): .*");
      }
      for (int at = 0; at < 32; at++) {
        assertThat(dst.get(at) + dst.get(4096 + 32 + at)).isEqualTo(2 * 0x5a);
      }
    }
  }
}
