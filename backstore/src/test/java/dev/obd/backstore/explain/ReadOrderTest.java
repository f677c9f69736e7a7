package dev.obd.backstore.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.explain.ReadOrder.Change;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReadOrderTest {
  private static ReadOrder order(long... cells) {
    return ReadOrder.of(
        Trace.of(Arrays.stream(cells).mapToObj(c -> new Access(0, c * 4096, 4096)).toList()));
  }

  @Test
  void whatIsInBothIsCommonAndTheFewestThatGoBackwardsMoved() {
    assertThat(order(1, 2, 3, 4, 5).to(order(1, 2, 3, 4, 5)))
        .isEqualTo(new Change(5 * 4096, 0, 0, 0));
    assertThat(order(1, 2, 3, 4, 5).to(order(5, 1, 2, 4, 9, 8)))
        .isEqualTo(new Change(4 * 4096, 2 * 4096, 4096, 4096));
    assertThat(order(1, 2, 3).to(order(3, 2, 1))).isEqualTo(new Change(3 * 4096, 0, 0, 2 * 4096));
    assertThat(order().to(order(1))).isEqualTo(new Change(0, 4096, 0, 0));
  }

  @Test
  void aRangeCountsWithEveryPieceThatItTouchesAndOnce() {
    var wide = ReadOrder.of(Trace.of(List.of(new Access(0, 4095, 4098), new Access(0, 4096, 1))));
    assertThat(order().to(wide).added()).isEqualTo(3 * 4096);
    assertThat(order(0).addedBy(wide, cell -> cell.number() == 1 ? "a" : "b"))
        .containsExactlyInAnyOrder(Map.entry("a", 4096L), Map.entry("b", 4096L));
  }

  @Test
  void whatIsTooMuchIsRefused() {
    var huge = Trace.of(List.of(new Access(0, 0, Long.MAX_VALUE - 1)));
    assertThatThrownBy(() -> ReadOrder.of(huge)).hasMessageContaining("too much");
  }
}
