package dev.obd.trace.runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.obd.testdata.Seeded;
import dev.obd.trace.runs.Ranking.Candidate;
import dev.obd.trace.runs.Ranking.Way;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RankingTest {
  private static List<Candidate> candidates(SplittableRandom random, boolean alike) {
    int bytes = 1 + random.nextInt(1 << 20);
    return IntStream.range(0, 1 + random.nextInt(10))
        .mapToObj(_ ->
            new Candidate(
                alike ? bytes : 1 + random.nextInt(1 << 20),
                random.nextDouble(),
                random.nextInt(4) == 0 ? Long.MAX_VALUE : random.nextInt(200_000)))
        .toList();
  }

  private static Way way(SplittableRandom random) {
    return new Way(random.nextInt(200_000), 1 + random.nextInt(1 << 27));
  }

  private static double saved(List<Candidate> candidates, BitSet chosen, Way way) {
    return chosen.stream().mapToDouble(i -> candidates.get(i).savedMicros(way)).sum();
  }

  private static long bytes(List<Candidate> candidates, BitSet chosen) {
    return chosen.stream().mapToLong(i -> candidates.get(i).bytes()).sum();
  }

  /** Tries all of them. */
  private static double most(List<Candidate> candidates, long budget, Way way) {
    double most = 0;
    for (long set = 0; set < 1L << candidates.size(); set++) {
      BitSet chosen = BitSet.valueOf(new long[] {set});
      if (bytes(candidates, chosen) <= budget) {
        most = Math.max(most, saved(candidates, chosen, way));
      }
    }
    return most;
  }

  @Test
  void theChoiceFitsAndSavesAsMuchAsTryingAllSetsSaysButForOneCandidate() {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    for (int round = 0; round < 300; round++) {
      List<Candidate> candidates = candidates(random, false);
      Way way = way(random);
      long budget = random.nextLong(4 << 20);
      BitSet chosen = Ranking.choose(candidates, budget, way);
      assertThat(bytes(candidates, chosen)).isLessThanOrEqualTo(budget);
      double most = most(candidates, budget, way);
      double one =
          candidates.stream()
              .filter(c -> c.bytes() <= budget)
              .mapToDouble(c -> c.savedMicros(way))
              .max()
              .orElse(0);
      double saved = saved(candidates, chosen, way);
      assertThat(saved).isGreaterThanOrEqualTo(most / 2 - 1e-6);
      assertThat(saved).isGreaterThanOrEqualTo(most - one - 1e-6);
    }
  }

  @Test
  void ofCandidatesOfOneSizeTheBestAreChosen() {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    for (int round = 0; round < 300; round++) {
      List<Candidate> candidates = candidates(random, true);
      Way way = way(random);
      long budget = random.nextLong(4 << 20);
      double saved = saved(candidates, Ranking.choose(candidates, budget, way), way);
      assertThat(saved).isCloseTo(most(candidates, budget, way), within(1e-3));
    }
  }

  @Test
  void withRoomForAllOfThemAllAreChosenAlsoThoseThatSaveNothing() {
    SplittableRandom random = new SplittableRandom(Seeded.fresh());
    for (int round = 0; round < 100; round++) {
      List<Candidate> candidates = candidates(random, false);
      long all = candidates.stream().mapToLong(Candidate::bytes).sum();
      assertThat(Ranking.choose(candidates, all, way(random)).cardinality())
          .isEqualTo(candidates.size());
    }
  }

  @Test
  void whatIsWantedAtOnceGivesWayToWhatThereIsStillTimeFor() {
    var now = new Candidate(1000, 1, 0);
    var later = new Candidate(1000, 0.3, 1_000_000);
    assertThat(Ranking.choose(List.of(now, later), 1000, Way.USUAL).stream()).containsExactly(1);
  }

  @Test
  void nothingIsCertainHoweverManyRunsAgree() {
    assertThat(Ranking.probability(1, 1)).isEqualTo(0.75);
    assertThat(Ranking.probability(0, 1)).isEqualTo(0.25);
    assertThat(Ranking.probability(5, 5)).isCloseTo(5.5 / 6, within(1e-12));
    for (int runs = 1; runs <= Runs.MAX_RUNS; runs++) {
      for (int support = 1; support <= runs; support++) {
        assertThat(Ranking.probability(support, runs))
            .isGreaterThan(Ranking.probability(support - 1, runs))
            .isLessThan(1);
      }
    }
  }
}
