package dev.obd.backstore.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.explain.Sweep.Ranges;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class SweepTest {
  private static Ranges nested(int count) {
    Ranges ranges = new Ranges();
    for (int i = 0; i < count; i++) {
      ranges.add(i, 2L * count - i);
    }
    return ranges;
  }

  private static Ranges inARow(int count) {
    Ranges ranges = new Ranges();
    for (int i = 0; i < count; i++) {
      ranges.add(2L * i, 2L * i + 2);
    }
    return ranges;
  }

  @Test
  void aLongLogIsSweptAndWhatOverlapsTooOftenEndsWithNumbers() {
    var pieces = new AtomicLong();
    Sweep.over(List.of(inARow(100_000), inARow(100_000)), (at, end, c) -> pieces.incrementAndGet());
    assertThat(pieces.get()).isEqualTo(100_000);
    Ranges many = nested(5000);
    assertThatThrownBy(() -> Sweep.over(List.of(many, many), (at, end, covering) -> {}))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("too many overlapping requests")
        .hasMessageContaining("" + (1L << 30));
  }

  @Test
  void theWorkIsCountedBeforeItIsDone() {
    var work = new AtomicLong();
    Ranges many = nested(100);
    assertThatThrownBy(() ->
            Sweep.over(
                List.of(many, many),
                5000,
                (at, end, covering) ->
                    work.addAndGet((long) covering.get(0).size() * covering.get(1).size())))
        .hasMessageContaining("5000");
    assertThat(work.get()).isBetween(1L, 5000L);
  }
}
