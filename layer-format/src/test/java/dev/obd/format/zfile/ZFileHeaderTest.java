package dev.obd.format.zfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.format.DocTable;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ZFileHeaderTest {
  @Test
  void thePageInTheDocumentationHasTheSameFields() throws IOException {
    assertThat(DocTable.of("zfile.md"))
        .isEqualTo(
            Arrays.stream(ZFileHeader.Field.values())
                .map(f -> new DocTable.Row(f.at, f.bytes, ZFileHeader.nameOf(f)))
                .toList());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#manySeeds")
  void whatIsEncodedDecodes(long seed) throws FormatException {
    var random = new SplittableRandom(seed);
    var header =
        new ZFileHeader(
            0,
            random.nextLong() | ZFileHeader.FLAG_DIGEST,
            random.nextLong(),
            random.nextLong(),
            random.nextLong(),
            random.nextInt(),
            random.nextInt(),
            random.nextInt(256),
            random.nextLong(1L << 32),
            random.nextBoolean());
    ByteBuffer raw = header.encode();
    assertThat(raw.remaining()).isEqualTo(512);
    assertThat(ZFileHeader.decode("blob", 0, raw))
        .usingRecursiveComparison()
        .ignoringFields("digest")
        .isEqualTo(header);
    assertThat(ZFileHeader.startsZFile(raw)).isEqualTo(header.isHeader());
  }

  @Test
  void anErrorSaysBlobPlaceFieldAndBothValues() {
    byte[] raw = new ZFileHeader(0, 0x13, 0, 0, 0, 0, 4096, 1, 0, true).encode().array();
    raw[400] = 1;
    assertThatThrownBy(() -> ZFileHeader.decode("sha256:6b1f", 7680, ByteBuffer.wrap(raw)))
        .isInstanceOf(FormatException.class)
        .hasMessageMatching("sha256:6b1f @7708: digest: expected 0x\\w+, got 0x\\w+");
    raw[3] = 0;
    assertThatThrownBy(() -> ZFileHeader.decode("sha256:6b1f", 0, ByteBuffer.wrap(raw)))
        .hasMessage("sha256:6b1f @0: magic0: expected 0x100656c69465a, got 0x100650069465a");
  }
}
