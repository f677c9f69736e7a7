package dev.obd.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CoalescerTest {
  private static final int KIB = 1024;
  private static final int MIB = 1024 * KIB;

  @Test
  void duplicatesAndOverlapsAreFetchedOnce() {
    assertThat(
            coalesce(
                new Access(0, 0, 8),
                new Access(0, 4, 8),
                new Access(0, 0, 8),
                new Access(0, 12, 4)))
        .containsExactly(new Access(0, 0, 16));
  }

  @Test
  void nearRangesAreJoinedAndFarOnesAreNot() {
    assertThat(
            coalesce(
                new Access(0, 0, 1),
                new Access(0, 1 + 64 * KIB, 1),
                new Access(0, 3 + 128 * KIB, 1)))
        .containsExactly(new Access(0, 0, 64 * KIB + 2), new Access(0, 3 + 128 * KIB, 1));
  }

  @Test
  void layersAreKeptApart() {
    assertThat(coalesce(new Access(1, 0, 4), new Access(0, 4, 4)))
        .containsExactly(new Access(1, 0, 4), new Access(0, 4, 4));
  }

  @Test
  void whatIsTouchedFirstComesFirst() {
    assertThat(
            coalesce(
                new Access(0, 50L * MIB, 10), new Access(0, 0, 10), new Access(0, 50L * MIB, 20)))
        .containsExactly(new Access(0, 50L * MIB, 20), new Access(0, 0, 10));
  }

  @Test
  void aLongRunIsCutAndItsPiecesComeWhenTheyAreTouched() {
    assertThat(
            coalesce(
                new Access(0, 2L * MIB, 10), new Access(7, 0, 1), new Access(0, 0, 2 * MIB + 1)))
        .containsExactly(
            new Access(0, 2L * MIB, 10),
            new Access(7, 0, 1),
            new Access(0, 0, MIB),
            new Access(0, MIB, MIB));
  }

  @Test
  void parametersThatCannotBeMeantAreRefused() {
    assertThatThrownBy(() -> Coalescer.coalesce(List.of(), -1, MIB))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Coalescer.coalesce(List.of(), MIB + 1, MIB))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aHostileTraceMakesABoundedPlan() {
    List<Access> accesses = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      accesses.add(new Access(0, i * (1L << 43), 1L << 60));
    }
    assertThat(Coalescer.coalesce(accesses, 0, MIB)).hasSize(Coalescer.MAX_PIECES);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everyTouchedByteIsInOnePieceAtItsFirstTouch(long seed) {
    var random = new SplittableRandom(seed);
    int unit = 16 * KIB; // of the model below: one bit
    List<Access> accesses = new ArrayList<>();
    for (int i = random.nextInt(1, 200); i > 0; i--) {
      accesses.add(
          new Access(
              random.nextInt(3),
              (long) random.nextInt(2000) * unit,
              (long) random.nextInt(1, 100) * unit));
    }
    long gap = random.nextInt(5) * (long) unit;
    long max = random.nextInt(4, 80) * (long) unit;
    List<Access> pieces = Coalescer.coalesce(accesses, gap, max);

    BitSet[] fetched = {new BitSet(), new BitSet(), new BitSet()};
    for (Access piece : pieces) {
      assertThat(piece.length()).isBetween(1L, max);
      int from = (int) (piece.offset() / unit);
      int to = (int) ((piece.offset() + piece.length()) / unit);
      assertThat(fetched[piece.layer()].get(from, to).isEmpty()).as("no byte twice").isTrue();
      fetched[piece.layer()].set(from, to);
    }
    int next = 0;
    BitSet[] touched = {new BitSet(), new BitSet(), new BitSet()};
    BitSet[] arrived = {new BitSet(), new BitSet(), new BitSet()};
    for (Access access : accesses) {
      int from = (int) (access.offset() / unit);
      int to = (int) ((access.offset() + access.length()) / unit);
      touched[access.layer()].set(from, to);
      while (arrived[access.layer()].nextClearBit(from) < to) {
        Access piece = pieces.get(next++);
        assertThat(piece.layer()).isEqualTo(access.layer());
        assertThat(piece.offset()).isLessThan(access.offset() + access.length());
        assertThat(piece.offset() + piece.length()).isGreaterThan(access.offset());
        arrived[piece.layer()].set(
            (int) (piece.offset() / unit), (int) ((piece.offset() + piece.length()) / unit));
      }
    }
    assertThat(next).as("nothing beyond what was touched").isEqualTo(pieces.size());
    for (int layer = 0; layer < 3; layer++) {
      BitSet wasted = (BitSet) fetched[layer].clone();
      wasted.andNot(touched[layer]);
      for (int at = wasted.nextSetBit(0); at >= 0; at = wasted.nextSetBit(at + 1)) {
        int end = wasted.nextClearBit(at);
        assertThat((long) (end - at) * unit).as("gap").isLessThanOrEqualTo(gap);
        at = end;
      }
    }
  }

  private static List<Access> coalesce(Access... accesses) {
    return Coalescer.coalesce(List.of(accesses), 64 * KIB, MIB);
  }

  private static LongStream seeds() {
    return LongStream.concat(
        LongStream.range(0, 100), LongStream.of(new SplittableRandom().nextLong()));
  }
}
