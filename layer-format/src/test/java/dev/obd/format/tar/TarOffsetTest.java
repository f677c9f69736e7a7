package dev.obd.format.tar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.format.MemorySink;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TarOffsetTest {
  private static final byte[] PAYLOAD = Contents.of("rand", 1, 1_000);

  private static BlockSource source(byte[] bytes) {
    return BlockSources.ofBytes("tar", ByteBuffer.wrap(bytes));
  }

  private static byte[] pax() {
    try {
      MemorySink sink = MemorySink.likeAFile();
      TarLayerWriter writer = TarLayerWriter.open(sink);
      writer.write(ByteBuffer.wrap(PAYLOAD));
      writer.finish();
      return sink.bytes();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Makes the checksum of the header at {@code base} right again. */
  static void fixChecksum(byte[] tar, int base) {
    byte[] header = Arrays.copyOfRange(tar, base, base + 512);
    byte[] digits =
        "%06o\0 ".formatted(TarHeader.checksum(header)).getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(digits, 0, tar, base + 148, 8);
  }

  @Test
  void aUstarMemberStartsAfterItsHeader() throws IOException {
    BlockSource tar = source(TarMember.wrap("anything", 0644, PAYLOAD));
    assertThat(TarOffset.detect(tar))
        .isEqualTo(new TarOffset.Layout(TarOffset.Variant.USTAR, 512, 1_000));
    BlockSource payload = TarOffset.unwrap(tar);
    assertThat(BlockSources.readFully(payload, 0, 1_000).array()).isEqualTo(PAYLOAD);
    assertThat(payload.size()).isEqualTo(1_000);
  }

  @Test
  void aPaxMemberStartsAfterThreeBlocks() throws IOException {
    assertThat(TarOffset.detect(source(pax())))
        .isEqualTo(new TarOffset.Layout(TarOffset.Variant.PAX, 1536, 1_000));
  }

  @Test
  void withoutASizeRecordTheHeadersSizeCounts() throws IOException {
    byte[] tar = pax();
    byte[] other = "15 mtime=12345\n".getBytes(StandardCharsets.US_ASCII);
    Arrays.fill(tar, 512, 1024, (byte) 0);
    System.arraycopy(other, 0, tar, 512, other.length);
    System.arraycopy("        17 ".getBytes(StandardCharsets.US_ASCII), 0, tar, 124, 11);
    fixChecksum(tar, 0);
    System.arraycopy("00000000037".getBytes(StandardCharsets.US_ASCII), 0, tar, 1024 + 124, 11);
    fixChecksum(tar, 1024);
    assertThat(TarOffset.detect(source(tar)).payloadSize()).isEqualTo(31);
  }

  @Test
  void whatIsNotPosixUstarIsNoWrapper() throws IOException {
    byte[] gnu = TarMember.wrap("a", 0644, PAYLOAD);
    System.arraycopy("ustar  \0".getBytes(StandardCharsets.US_ASCII), 0, gnu, 257, 8);
    fixChecksum(gnu, 0);
    byte[] wrongSum = TarMember.wrap("a", 0644, PAYLOAD);
    wrongSum[0]++;
    for (byte[] blob : new byte[][] {gnu, wrongSum, PAYLOAD, new byte[511], new byte[0]}) {
      BlockSource source = source(blob);
      assertThat(TarOffset.unwrap(source)).isSameAs(source);
    }
  }

  @Test
  void aSumOfSignedBytesIsAccepted() throws IOException {
    byte[] tar = TarMember.wrap("a", 0644, PAYLOAD);
    tar[5] = (byte) 0xE4; // 228 or -28
    byte[] unsigned = tar.clone();
    fixChecksum(unsigned, 0);
    int sum = TarHeader.checksum(Arrays.copyOf(tar, 512)) - 256;
    System.arraycopy("%06o\0 ".formatted(sum).getBytes(StandardCharsets.US_ASCII), 0, tar, 148, 8);
    assertThat(TarOffset.detect(source(unsigned)).payloadSize()).isEqualTo(1_000);
    assertThat(TarOffset.detect(source(tar)).payloadSize()).isEqualTo(1_000);
  }

  @Test
  void aPayloadBeyondTheBlobIsRefused() {
    byte[] tar = TarMember.wrap("a", 0644, PAYLOAD);
    assertThatThrownBy(() -> TarOffset.unwrap(source(Arrays.copyOf(tar, 1511))))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tar @512: tar payload size: expected at most 999, got 1000");
    assertThatThrownBy(() -> TarOffset.unwrap(source(Arrays.copyOf(pax(), 2000))))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected at most 464, got 1000");
    assertThatThrownBy(() -> TarOffset.unwrap(source(Arrays.copyOf(pax(), 1500))))
        .isInstanceOf(FormatException.class);
  }

  @Test
  void aDamagedPaxHeaderIsRefused() {
    assertRefused(
        "size of the pax header: expected 1 to 512, got 513",
        tar -> {
          System.arraycopy("1001 ".getBytes(StandardCharsets.US_ASCII), 0, tar, 124 + 7, 5);
          fixChecksum(tar, 0);
        });
    assertRefused("tar header", tar -> tar[1024]++);
    assertRefused(
        "tar size: expected octal digits",
        tar -> {
          tar[124 + 5] = '9';
          fixChecksum(tar, 0);
        });
    for (String record :
        new String[] {
          "13 size=10x0\n",
          "99 size=1000\n",
          "2 size=1000\n\n",
          "x3 size=1000\n",
          "13 size 1000\n",
          "13=size=1000\n",
          "12 =size1000\n",
          "13 size=10000",
          "13 size=-100\n"
        }) {
      assertRefused(
          "pax",
          tar -> {
            byte[] bytes = record.getBytes(StandardCharsets.US_ASCII);
            Arrays.fill(tar, 512, 1024, (byte) '1');
            System.arraycopy(bytes, 0, tar, 512, bytes.length);
          });
    }
  }

  private static void assertRefused(String message, java.util.function.Consumer<byte[]> damage) {
    byte[] tar = pax();
    damage.accept(tar);
    assertThatThrownBy(() -> TarOffset.unwrap(source(tar)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(message);
  }

  @Test
  void sizesInBase256AreRead() throws IOException {
    byte[] tar = TarMember.wrap("a", 0644, PAYLOAD);
    Arrays.fill(tar, 124, 136, (byte) 0);
    tar[124] = (byte) 0x80;
    tar[134] = 3;
    tar[135] = (byte) 0xE8;
    fixChecksum(tar, 0);
    assertThat(TarOffset.detect(source(tar)).payloadSize()).isEqualTo(1_000);
    Arrays.fill(tar, 124, 136, (byte) 0xFF); // -1
    fixChecksum(tar, 0);
    assertThatThrownBy(() -> TarOffset.detect(source(tar)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tar size");
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void mutatedWrappersEndInAFormatErrorOrInsideTheBlob(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[][] good = {pax(), TarMember.wrap("trace", 0444, PAYLOAD)};
    for (int i = 0; i < 5_000; i++) {
      byte[] bad = good[random.nextInt(2)].clone();
      for (int n = random.nextInt(1, 5); n > 0; n--) {
        bad[random.nextInt(1536)] = (byte) random.nextInt();
      }
      if (random.nextInt(4) != 0) {
        fixChecksum(bad, 0);
        fixChecksum(bad, 1024);
      }
      byte[] cut = random.nextInt(8) == 0 ? Arrays.copyOf(bad, random.nextInt(bad.length)) : bad;
      try {
        BlockSource payload = TarOffset.unwrap(source(cut));
        assertThat(payload.size()).isBetween(0L, (long) cut.length);
        BlockSources.readFully(payload, 0, (int) payload.size());
      } catch (FormatException e) {
        assertThat(e.offset()).isBetween(0L, 1536L);
      }
    }
  }
}
