package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.ExtentMap.Kind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SegmentIndexTest {
  private static final int SECTORS = 40_000;

  static LongStream seeds() {
    return LsmtFiles.seeds();
  }

  /** The obvious index: for each sector where it lies, 0 if nowhere, negative if zeroed. */
  private static final class Model {
    final long[] at = new long[SECTORS];

    void put(long w0, long w1) {
      for (int i = 0; i < Segment.length(w0); i++) {
        at[(int) Segment.offset(w0) + i] =
            Segment.zeroed(w1)
                ? -1 - Segment.moffset(w1) - ((long) Segment.tag(w1) << 60)
                : Segment.moffset(w1) + i + ((long) Segment.tag(w1) << 60);
      }
    }

    static Model of(SegmentIndex index) throws IOException {
      var model = new Model();
      long[] previousEnd = {0};
      index.forEach((first, count, data, zeroed, tag) -> {
        assertThat(first).isGreaterThanOrEqualTo(previousEnd[0]);
        assertThat(count).isPositive();
        previousEnd[0] = first + count;
        model.put(Segment.word0(first, count), Segment.word1(data, zeroed, tag));
        return true;
      });
      return model;
    }
  }

  private static long[] record(SplittableRandom random) {
    int length = 1 + random.nextInt(random.nextInt(1, 60));
    length = random.nextInt(200) == 0 ? random.nextInt(1, 16_384) : length;
    long offset = random.nextInt(SECTORS - length);
    return new long[] {
      Segment.word0(offset, length),
      Segment.word1(random.nextLong(8, 1L << 40), random.nextInt(4) == 0, 0)
    };
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whatIsPutLaterReplacesWhatItCovers(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    var index = new MutableIndex();
    var model = new Model();
    for (int i = 0; i < 8_000; i++) {
      long[] record = record(random);
      index.put(record[0], record[1]);
      model.put(record[0], record[1]);
    }
    assertThat(Model.of(index.toIndex()).at).isEqualTo(model.at);
    assertThat(index.toIndex().count()).isEqualTo(index.count());
    var extent = new Extent();
    for (int sector = 0; sector < SECTORS; sector++) {
      index.find(sector, extent);
      long at = model.at[sector];
      assertThat(extent.kind()).isEqualTo(at == 0 ? Kind.HOLE : at < 0 ? Kind.ZERO : Kind.DATA);
      if (at > 0) {
        assertThat(extent.dataSector()).isEqualTo(at);
      }
      for (long next = sector + 1; next < Math.min(SECTORS, sector + extent.sectors()); next++) {
        assertThat(Long.signum(model.at[(int) next])).isEqualTo(Long.signum(at));
      }
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void ofManyLayersTheTopmostWithARecordWins(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    int layers = random.nextInt(1, 256);
    List<SegmentIndex> topFirst = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      var index = new MutableIndex();
      for (int i = random.nextInt(200); i > 0; i--) {
        long[] record = record(random);
        index.put(record[0], record[1]);
      }
      topFirst.add(index.toIndex());
    }
    var model = new Model();
    for (int layer = layers - 1; layer >= 0; layer--) {
      topFirst
          .get(layer)
          .withTag(layer)
          .forEach((first, count, data, zeroed, tag) -> {
            model.put(Segment.word0(first, count), Segment.word1(data, zeroed, tag));
            return true;
          });
    }
    assertThat(Model.of(SegmentIndex.merge(topFirst)).at).isEqualTo(model.at);
  }

  @Test
  void aVisitIsClippedAtBothEndsAndMayStop() throws IOException {
    var index = new MutableIndex();
    index.put(Segment.word0(10, 10), Segment.word1(100, false, 0));
    index.put(Segment.word0(20, 5), Segment.word1(77, true, 0));
    index.put(Segment.word0(30, 5), Segment.word1(110, false, 0));
    List<String> seen = new ArrayList<>();
    boolean whole =
        index
            .toIndex()
            .forEach(
                12,
                20,
                (first, count, data, zeroed, tag) ->
                    seen.add(first + "+" + count + (zeroed ? " zeroed" : " at " + data)));
    assertThat(whole).isTrue();
    assertThat(seen).containsExactly("12+8 at 102", "20+5 zeroed", "30+2 at 110");
    assertThat(index.toIndex().forEach((first, count, data, zeroed, tag) -> first == 10)).isFalse();
  }

  @Test
  void addressesBeyondTwoToThe32SectorsAreKeptApart() throws IOException {
    var upper = new MutableIndex();
    var lower = new MutableIndex();
    long far = (1L << 50) - 2000;
    upper.put(Segment.word0(5, 8), Segment.word1(8, false, 0));
    lower.put(Segment.word0((1L << 32) + 5, 8), Segment.word1(16, false, 0));
    lower.put(Segment.word0(far, 1000), Segment.word1((1L << 54), false, 0));
    SegmentIndex merged = SegmentIndex.merge(List.of(upper.toIndex(), lower.toIndex()));
    List<String> seen = new ArrayList<>();
    merged.forEach((first, count, data, zeroed, tag) ->
        seen.add(first + "+" + count + "@" + data + "/" + tag));
    assertThat(seen)
        .containsExactly("5+8@8/0", "4294967301+8@16/1", far + "+1000@18014398509481984/1");
  }

  @Test
  void aBuilderTakesNoMoreThanItsLimit() throws IOException {
    var builder = new SegmentIndexBuilder(40, 0);
    for (int i = 0; i < 40; i++) {
      builder.add(Segment.word0(i, 1), 8);
    }
    assertThatThrownBy(() -> builder.add(Segment.word0(40, 1), 8))
        .isInstanceOf(IOException.class)
        .hasMessage("index: more than 40 records");
    assertThat(builder.build().count()).isEqualTo(40);
  }

  @Test
  void recordsPackAsTheOriginalPacksThem() {
    assertThat(Segment.word0(0, 8)).isEqualTo(0x0020_0000_0000_0000L);
    assertThat(Segment.word0(2, 1)).isEqualTo(0x0004_0000_0000_0002L);
    assertThat(Segment.word1(0x11, true, 0)).isEqualTo(0x0080_0000_0000_0011L);
    assertThat(Segment.word0(0, 8272)).isEqualTo(0x8140_0000_0000_0000L);
    assertThat(Segment.length(Segment.word0(0, 16383))).isEqualTo(16383);
    assertThat(Segment.PADDING_0).isEqualTo(0x0003_FFFF_FFFF_FFFFL);
    assertThat(Segment.tag(Segment.word1(1, true, 255))).isEqualTo(255);
    assertThat(Segment.withTag(Segment.word1(9, true, 255), 3))
        .isEqualTo(Segment.word1(9, true, 3));
  }
}
