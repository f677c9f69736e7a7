package dev.obd.backstore.prefetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.FormatException;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PrefetchHintsTest {
  @Test
  void theTableIsWhatItsPageSays() {
    assertThat(HexFormat.of().formatHex(new PrefetchHints(List.of(2L, 0xFFFF_FFFFL)).encode()))
        .isEqualTo("4f425048" + "01000000" + "02000000" + "fcfcc8a9" + "02000000" + "ffffffff");
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void whatIsEncodedIsDecodedAndTakesFourBytesAnEntry(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    List<Long> inodes =
        LongStream.generate(() -> random.nextLong(1, 1L << 32))
            .distinct()
            .limit(random.nextInt(PrefetchHints.MAX_ENTRIES + 1))
            .boxed()
            .toList();
    PrefetchHints hints = new PrefetchHints(inodes);
    assertThat(hints.encode()).hasSize(16 + 4 * inodes.size());
    assertThat(PrefetchHints.ofAnnotation("a", hints.toAnnotation())).isEqualTo(hints);
  }

  @Test
  void everyDamagedBitAndEveryOtherLengthIsNoticed() {
    byte[] table = new PrefetchHints(List.of(1L, 2L, 70_000L)).encode();
    for (int bit = 0; bit < table.length * 8; bit++) {
      byte[] damaged = table.clone();
      damaged[bit / 8] ^= (byte) (1 << (bit % 8));
      assertThatThrownBy(() -> PrefetchHints.decode("a", damaged))
          .isInstanceOf(FormatException.class);
    }
    for (int length = 0; length < table.length + 9; length++) {
      if (length != table.length) {
        byte[] cut = Arrays.copyOf(table, length);
        assertThatThrownBy(() -> PrefetchHints.decode("a", cut))
            .isInstanceOf(FormatException.class);
      }
    }
  }

  @Test
  void whatIsNoTableIsRefusedBeforeItTakesMemory() {
    for (String wrong : new String[] {"", "x", "äöü", "A".repeat(1 << 20), "====", "AAAA"}) {
      assertThatThrownBy(() -> PrefetchHints.ofAnnotation("layer", wrong))
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith("layer @");
    }
    List<Long> many = Collections.nCopies(PrefetchHints.MAX_ENTRIES + 1, 1L);
    assertThatThrownBy(() -> new PrefetchHints(many)).hasMessageContaining("a directory stands");
    assertThatThrownBy(() -> new PrefetchHints(List.of(0L)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatATableHasTwiceIsWalkedOnce() throws Exception {
    byte[] table = new PrefetchHints(List.of(2L, 7L, 2L, 2L, 5L, 7L)).encode();
    assertThat(PrefetchHints.decode("a", table).inodes()).containsExactly(2L, 7L, 5L);
  }
}
