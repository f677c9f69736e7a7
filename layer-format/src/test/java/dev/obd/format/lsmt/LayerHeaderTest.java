package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.format.DocTable;
import dev.obd.io.FormatException;
import dev.obd.testdata.Golden;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LayerHeaderTest {
  private static final UUID SOME = UUID.fromString("000000b3-1111-4222-8333-0000000000b3");

  @Test
  void aBaseLayersHeaderHasTheBytesOfTheOriginal() {
    LayerHeader header =
        LayerHeader.of(7, 0, 0, 64L << 30, LayerHeader.NO_UUID, LayerHeader.NO_UUID, "");
    byte[] bytes = header.encode().array();
    assertThat(HexFormat.of().withUpperCase().formatHex(bytes, 0, 56))
        .isEqualTo(
            "4C534D5400010200657E63D29444084CA2D2C8EC4FCFAE8A8601000007000000"
                + "000000000000000000000000000000000000000010000000");
    assertThat(new String(bytes, 56, 37, StandardCharsets.US_ASCII))
        .isEqualTo("00000000-0000-0000-0000-000000000000\0");
    assertThat(bytes).hasSize(4096);
  }

  @ParameterizedTest
  @ValueSource(strings = {"b3-commit-uuid-msg", "b4-commit-msg256", "f1-merge/merged.lsmt"})
  void headersAndTrailersOfTheOriginalAreWrittenBackAsTheyWere(String vector) throws IOException {
    String name = vector.contains("/") ? vector : vector + "/layer.obd";
    byte[] file = Files.readAllBytes(Golden.dir().resolve(name));
    for (int at : new int[] {0, file.length - 4096}) {
      byte[] raw = Arrays.copyOfRange(file, at, at + 4096);
      assertThat(LayerHeader.decode(name, at, ByteBuffer.wrap(raw)).encode().array())
          .isEqualTo(raw);
    }
  }

  @Test
  void aUserTagMayFillItsField() throws FormatException {
    String tag = "é".repeat(128);
    LayerHeader header = LayerHeader.of(7, 0, 0, 512, SOME, LayerHeader.NO_UUID, tag);
    assertThat(LayerHeader.decode("x", 0, header.encode())).isEqualTo(header);
    assertThatThrownBy(() -> CommitOptions.NONE.withUserTag(tag + "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at most 256 bytes of UTF-8, got 257");
  }

  @Test
  void textThatIsNoUuidReadsAsNotSet() throws FormatException {
    ByteBuffer raw = LayerHeader.of(7, 0, 0, 512, SOME, SOME, "").encode();
    raw.put(56, (byte) 'x');
    LayerHeader header = LayerHeader.decode("x", 0, raw);
    assertThat(header.uuid()).isEqualTo(LayerHeader.NO_UUID);
    assertThat(header.parentUuid()).isEqualTo(SOME);
  }

  @Test
  void anotherMagicIsRefusedWithItsPlace() {
    for (int at = 0; at < 24; at++) {
      ByteBuffer raw = LayerHeader.of(7, 0, 0, 512, SOME, SOME, "").encode();
      raw.put(at, (byte) (raw.get(at) ^ 1));
      assertThat(LayerHeader.matches(raw)).isFalse();
      String field = at < 8 ? "magic0" : "magic1";
      assertThatThrownBy(() -> LayerHeader.decode("blob", 8192, raw))
          .isInstanceOf(FormatException.class)
          .hasMessageMatching("blob @\\d+: " + field + ": expected 0x\\w+, got 0x\\w+");
    }
  }

  @Test
  void aLayerIsKnownByItsFirstBytes() {
    ByteBuffer header = LayerHeader.of(7, 0, 0, 512, SOME, SOME, "").encode();
    ByteBuffer trailer = LayerHeader.of(6, 0, 0, 512, SOME, SOME, "").encode();
    assertThat(LayerHeader.matches(header)).isTrue();
    assertThat(LayerHeader.matches(header.slice(0, 32))).isTrue();
    assertThat(LayerHeader.matches(header.slice(0, 31))).isFalse();
    assertThat(LayerHeader.matches(trailer)).isFalse();
  }

  @Test
  void thePageInTheDocumentationHasTheSameFields() throws IOException {
    assertThat(DocTable.of("lsmt.md"))
        .isEqualTo(
            Arrays.stream(LayerHeader.Field.values())
                .map(f -> new DocTable.Row(f.at, f.bytes, f.text))
                .toList());
  }

  @Test
  void fieldsFollowEachOther() {
    int at = 0;
    for (LayerHeader.Field field : LayerHeader.Field.values()) {
      assertThat(field.at).as(field.text).isEqualTo(at);
      at += field.bytes;
    }
    assertThat(at).isEqualTo(390);
  }
}
