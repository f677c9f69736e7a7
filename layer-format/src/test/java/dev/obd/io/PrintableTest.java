package dev.obd.io;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void whatMovesTheCursorOrTurnsTextAroundIsReplacedAndAllElseStays() {
    assertThat(Printable.of("a\u001b[2Jb\r\n\tc\u009bd\u007f"))
        .isEqualTo("a\uFFFD[2Jb\uFFFD\uFFFD\uFFFDc\uFFFDd\uFFFD");
    assertThat(Printable.of("x\u202Egpj.exe\u2066\u200F\u061C\u2028"))
        .isEqualTo("x\uFFFDgpj.exe\uFFFD\uFFFD\uFFFD\uFFFD");
    assertThat(Printable.of("/usr/lib/Grüße 日本 😀")).isEqualTo("/usr/lib/Grüße 日本 😀");
  }

  @Test
  void linesStayLinesWhereThereMayBeSome() {
    assertThat(Printable.lines("a\nb\u001bc")).isEqualTo("a\nb\uFFFDc");
  }
}
