package dev.obd.backstore.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.obd.backstore.source.LinkQueue.Entry;
import dev.obd.io.ReadContext.Purpose;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the queue of a link comes to, on lines that are computed. */
class LinkQueueTest {
  private static final double MBIT_25 = 3.125e6;
  private static final double MBIT_100 = 12.5e6;
  private static final double GBIT = 125e6;
  private static final long MILLI = 1_000_000;
  private static final long SECOND = 1_000_000_000;
  private static final long UNIT = 64 << 10;
  private static final int CHUNK = 16 << 10;

  private static SimulatedLine line(double bytesPerSecond, long rttMillis) {
    return new SimulatedLine(
        bytesPerSecond, rttMillis * MILLI, new PrefetchCeilings(PrefetchLimits.NONE));
  }

  /** As many workers as a replay has, each with one request after the other. */
  private static void endless(SimulatedLine line, Purpose purpose, long bytes, int workers) {
    for (int i = 0; i < workers; i++) {
      again(line, purpose, bytes);
    }
  }

  private static void again(SimulatedLine line, Purpose purpose, long bytes) {
    line.want(purpose, bytes, at -> again(line, purpose, bytes));
  }

  private static long[] misses(SimulatedLine line, long[] times) {
    long[] took = new long[times.length];
    for (int i = 0; i < times.length; i++) {
      int miss = i;
      line.after(
          times[i], () -> line.want(Purpose.DEMAND, UNIT, at -> took[miss] = at - times[miss]));
    }
    line.run(times[times.length - 1] + 60 * SECOND);
    return took;
  }

  private static long p99(long[] took) {
    long[] sorted = took.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length * 99 / 100];
  }

  private static double grainNanos(double bandwidth) {
    return Math.max(UNIT * 1e9 / bandwidth, 10.0 * MILLI);
  }

  @ParameterizedTest
  @CsvSource({"3.125e6, 230", "12.5e6, 20", "12.5e6, 60", "125e6, 2"})
  void aMissWaitsForAGrainOfOthersAtMost(double bandwidth, long rtt) {
    var random = new SplittableRandom(5);
    long[] times = new long[250];
    long at = 3 * SECOND;
    for (int i = 0; i < times.length; i++) {
      at += random.nextInt(3) == 0 ? random.nextLong(40 * MILLI) : random.nextLong(2 * SECOND);
      times[i] = at;
    }
    long off = p99(misses(line(bandwidth, rtt), times));
    SimulatedLine busy = line(bandwidth, rtt);
    endless(busy, Purpose.REPLAY, 1 << 20, 16);
    endless(busy, Purpose.BACKGROUND, 32L << 20, 1);
    long on = p99(misses(busy, times));
    double slice = CHUNK * 1e9 / bandwidth; // what the line has begun to send it sends
    assertThat((double) (on - off)).isLessThanOrEqualTo(grainNanos(bandwidth) + slice);
    assertThat(busy.aheadBytes)
        .isGreaterThan((long) (bandwidth * at / 1e9 / 4)); // and it did go on
  }

  @Test
  void aMissRightAfterAnotherFindsNothingBeforeIt() {
    long[] times = {5 * SECOND, 5 * SECOND + 50 * MILLI, 9 * SECOND, 9 * SECOND + 90 * MILLI};
    long[] off = misses(line(MBIT_100, 20), times);
    SimulatedLine busy = line(MBIT_100, 20);
    endless(busy, Purpose.REPLAY, 1 << 20, 16);
    long[] on = misses(busy, times);
    double slice = CHUNK * 1e9 / MBIT_100;
    assertThat((double) on[1]).isCloseTo(off[1], within(slice));
    assertThat((double) on[3]).isCloseTo(off[3], within(slice));
  }

  @ParameterizedTest
  @CsvSource({
    "3.125e6, 230, 262144",
    "12.5e6, 20, 65536",
    "12.5e6, 20, 1048576",
    "125e6, 5, 1048576"
  })
  void whileNobodyMissesAnythingReplayFillsTheLine(double bandwidth, long rtt, long bytes) {
    SimulatedLine line = line(bandwidth, rtt);
    endless(line, Purpose.REPLAY, bytes, 16);
    line.run(20 * SECOND);
    assertThat((double) line.aheadBytes).isGreaterThan(0.9 * bandwidth * 20);
  }

  @Test
  void howeverOftenSomebodyMissesSomethingTheRestGoesOnALittle() {
    long[] times = new long[600];
    for (int i = 0; i < times.length; i++) {
      times[i] = 3 * SECOND + i * 50 * MILLI;
    }
    long off = p99(misses(line(MBIT_100, 20), times));
    SimulatedLine busy = line(MBIT_100, 20);
    endless(busy, Purpose.BACKGROUND, 1 << 20, 1);
    long[] before = new long[1];
    busy.after(4 * SECOND, () -> before[0] = busy.aheadBytes);
    long[] during = new long[1];
    busy.after(times[times.length - 1], () -> during[0] = busy.aheadBytes);
    long on = p99(misses(busy, times));
    assertThat(during[0] - before[0]).isBetween(20 * UNIT, 40 * 2 * UNIT);
    assertThat((double) (on - off))
        .isLessThanOrEqualTo(grainNanos(MBIT_100) + CHUNK * 1e9 / MBIT_100);
  }

  @Test
  void aReplayThatComesPushesABackgroundStreamAside() {
    SimulatedLine line = line(MBIT_100, 20);
    endless(line, Purpose.BACKGROUND, 32L << 20, 1);
    line.run(3 * SECOND);
    long began = line.now;
    long[] took = new long[1];
    line.want(Purpose.REPLAY, UNIT, at -> took[0] = at - began);
    line.run(6 * SECOND);
    assertThat(took[0]).isBetween(1L, 100 * MILLI);
  }

  // ---- one request and another

  private static LinkQueue queue(PrefetchLimits limits) {
    return new LinkQueue(
        SlotScheduler.Limits.DEFAULT, Pace.ADAPTIVE, new PrefetchCeilings(limits), 0);
  }

  private static Entry pieces(Purpose purpose, long bytes, boolean isRest) {
    return new Entry(purpose, bytes, LinkQueue.Kind.PIECES, isRest, () -> false);
  }

  @Test
  void theRestOfWhatSomebodyCameToWaitForIsNoMiss() {
    LinkQueue queue = queue(PrefetchLimits.NONE);
    assertThat(queue.add(pieces(Purpose.DEMAND, UNIT, true), SECOND)).isEmpty();
    assertThat(queue.grant(SECOND)).hasSize(1);
    queue.add(pieces(Purpose.REPLAY, UNIT, false), SECOND + MILLI);
    assertThat(queue.grant(SECOND + MILLI)).hasSize(1);
    queue.add(pieces(Purpose.DEMAND, UNIT, false), SECOND + 2 * MILLI); // this one is
    queue.add(pieces(Purpose.REPLAY, UNIT, false), SECOND + 2 * MILLI);
    assertThat(queue.grant(SECOND + 2 * MILLI)).hasSize(1);
  }

  @Test
  void requestsThatSayNothingForLongKeepNobodyBack() {
    LinkQueue queue = queue(PrefetchLimits.NONE);
    for (int i = 0; i < 20; i++) {
      queue.add(pieces(Purpose.REPLAY, 1 << 20, false), 0);
    }
    int before = queue.grant(0).size() + queue.grant(900 * MILLI).size();
    assertThat(before).isLessThan(4);
    assertThat(queue.grant(5 * SECOND)).isNotEmpty();
  }

  @Test
  void aStreamThatSomebodyWaitsForIsAsGoodAsDemand() {
    LinkQueue queue = queue(new PrefetchLimits(true, 1, 0, 64 << 10));
    queue.add(pieces(Purpose.REPLAY, UNIT, false), 0);
    int going = queue.grant(0).size() + queue.grant(SECOND).size();
    assertThat(going).isEqualTo(1); // the one thread there is
    long now = SECOND + MILLI;
    queue.add(pieces(Purpose.DEMAND, UNIT, false), now);
    boolean[] awaited = new boolean[1];
    Entry stream =
        new Entry(Purpose.REPLAY, 64 << 20, LinkQueue.Kind.STREAM, false, () -> awaited[0]);
    queue.add(pieces(Purpose.REPLAY, UNIT, false), now);
    queue.add(stream, now);
    assertThat(queue.grant(now)).hasSize(1);
    awaited[0] = true;
    assertThat(queue.grant(now + MILLI)).containsExactly(stream);
    assertThat(stream.granted()).isEqualTo(512 << 10); // there is a ceiling
  }

  @Test
  void whatTheHostTakesNoMoreOfMakesRoomForDemand() {
    LinkQueue queue = queue(PrefetchLimits.NONE);
    Entry replay = pieces(Purpose.REPLAY, UNIT, false);
    queue.add(replay, 0);
    queue.grant(0);
    queue.refused(SECOND); // and its pause is long
    assertThat(queue.window()).isEqualTo(1);
    assertThat(queue.add(pieces(Purpose.DEMAND, UNIT, false), 9 * SECOND)).containsExactly(replay);
    queue.ended(replay, 9 * SECOND);
    assertThat(queue.grant(9 * SECOND)).hasSize(1);
  }

  // ---- chains: a start that reads one unit after the other

  private static final int UNITS = 178;
  private static final long CHAIN_UNIT = 256 << 10;
  private static final long THINK = 28 * MILLI;

  /** A reader that wants one unit after the other, and a replay that knows some of them. */
  private static final class Chain {
    final SimulatedLine line = line(MBIT_25, 230);
    final TreeMap<Integer, SimulatedLine.Job> underway = new TreeMap<>();
    final boolean[] here = new boolean[UNITS * 2];
    final List<Integer> planned = new ArrayList<>();
    int waitsFor = -1;
    long ended;

    long run(List<Integer> plan) {
      planned.addAll(plan);
      for (int i = 0; i < 16; i++) {
        fetchNext();
      }
      read(0);
      line.run(Long.MAX_VALUE / 2);
      return ended;
    }

    private void fetchNext() {
      while (!planned.isEmpty()) {
        int unit = planned.removeFirst();
        if (!here[unit] && !underway.containsKey(unit)) {
          fetch(Purpose.REPLAY, unit);
          return;
        }
      }
    }

    private void fetch(Purpose purpose, int unit) {
      underway.put(
          unit,
          line.want(
              purpose,
              CHAIN_UNIT,
              at -> {
                underway.remove(unit);
                here[unit] = true;
                if (purpose == Purpose.REPLAY) {
                  fetchNext();
                }
                if (waitsFor == unit) {
                  waitsFor = -1;
                  line.after(THINK, () -> read(unit + 1));
                }
              }));
    }

    private void read(int unit) {
      if (unit == UNITS) {
        ended = line.now;
        return;
      }
      if (here[unit]) {
        line.after(THINK, () -> read(unit + 1));
        return;
      }
      waitsFor = unit;
      SimulatedLine.Job job = underway.get(unit);
      if (job != null) {
        job.raise();
      } else {
        fetch(Purpose.DEMAND, unit);
      }
    }
  }

  private static List<Integer> units(int from, int to, int step) {
    List<Integer> all = new ArrayList<>();
    for (int unit = from; unit < to; unit += step) {
      all.add(unit);
    }
    return all;
  }

  @Test
  void aChainOfMissesThatTheReplayForesawRunsAtTheSpeedOfTheLine() {
    long off = new Chain().run(List.of());
    long on = new Chain().run(units(0, UNITS, 1));
    assertThat(off / 1e9).isCloseTo(60.9, within(1.5));
    assertThat(on / 1e9).isLessThan(1.10 * 15.2);
  }

  @Test
  void aReplayThatKnowsOnlyPartOfTheStartNeverMakesItLonger() {
    long off = new Chain().run(List.of());
    for (int step : new int[] {2, 3, 10}) {
      long on = new Chain().run(units(0, UNITS, step));
      assertThat((double) on).as("every %d.", step).isLessThan(1.05 * off);
    }
    assertThat((double) new Chain().run(units(UNITS, 2 * UNITS, 1)))
        .as("none of them")
        .isLessThan(1.05 * off);
  }

  // ---- ceilings

  @ParameterizedTest
  @CsvSource({"65536, 1", "65536, 8", "1048576, 1", "1048576, 8", "10485760, 1", "10485760, 8"})
  void theRateIsHeldInEveryTenSeconds(long rate, int threads) {
    var ceilings = new PrefetchCeilings(new PrefetchLimits(true, threads, 1 << 20, rate));
    var line = new SimulatedLine(GBIT, 5 * MILLI, ceilings);
    endless(line, Purpose.REPLAY, 1 << 20, 16);
    endless(line, Purpose.BACKGROUND, 32L << 20, 1);
    TreeMap<Long, Long> bytesAt = new TreeMap<>();
    for (long at = 1; at <= 60; at++) {
      line.run(at * SECOND / 2);
      bytesAt.put(at, line.aheadBytes);
    }
    for (long at = 21; at <= 60; at++) {
      double inTenSeconds = bytesAt.get(at) - bytesAt.get(at - 20);
      assertThat(inTenSeconds).as("until %d", at).isCloseTo(10.0 * rate, within(0.5 * rate));
    }
    assertThat(line.mostAhead).isLessThanOrEqualTo(threads);
  }

  @Test
  void demandIsNotBoundByTheCeilings() {
    var ceilings = new PrefetchCeilings(new PrefetchLimits(true, 1, 4096, 65536));
    var line = new SimulatedLine(MBIT_100, 20 * MILLI, ceilings);
    endless(line, Purpose.REPLAY, 1 << 20, 16);
    long[] took = misses(line, new long[] {SECOND, 2 * SECOND});
    assertThat(took[0]).isLessThan(40 * MILLI);
  }
}
