package dev.obd.format.tar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TarMemberTest {
  /** Composed by hand from the rules of Go's writer: octal, leading zeros, one NUL at the end. */
  @Test
  void theHeaderIsGosUstarHeader() {
    String zeros = "0000000\0";
    String expected =
        "trace"
            + "\0".repeat(95)
            + "0000444\0"
            + zeros
            + zeros
            + "00000000014\0"
            + "00000000000\0"
            + "010217\0 "
            + "0"
            + "\0".repeat(100)
            + "ustar\0"
            + "00"
            + "\0".repeat(64)
            + zeros
            + zeros
            + "\0".repeat(167);
    byte[] header = TarMember.header("trace", 0444, 12);
    assertThat(new String(header, StandardCharsets.US_ASCII)).isEqualTo(expected);
  }

  @Test
  void contentIsPaddedAndTwoZeroBlocksFollow() {
    byte[] content = "twelve bytes".getBytes(StandardCharsets.US_ASCII);
    byte[] archive = TarMember.wrap("trace", 0444, content);
    assertThat(archive).hasSize(512 + 512 + 1024);
    assertThat(new String(archive, 512, 13, StandardCharsets.US_ASCII)).isEqualTo("twelve bytes\0");
    assertThat(java.util.Arrays.copyOfRange(archive, 524, archive.length)).containsOnly(0);
    assertThat(TarMember.wrap("trace", 0444, new byte[0])).hasSize(512 + 1024);
    assertThat(TarMember.wrap("trace", 0444, new byte[512])).hasSize(512 + 512 + 1024);
  }

  @Test
  void whatAUstarHeaderCannotSayIsRefused() {
    assertRefused("", 0, 0);
    assertRefused("dir/", 0, 0);
    assertRefused("a".repeat(101), 0, 0);
    assertRefused("ä", 0, 0);
    assertRefused("a\0b", 0, 0);
    assertRefused("a", -1, 0);
    assertRefused("a", 010000, 0);
    assertRefused("a", 0, 1L << 33);
    assertRefused("a", 0, -1);
  }

  private static void assertRefused(String name, int mode, long size) {
    assertThatThrownBy(() -> TarMember.header(name, mode, size))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
