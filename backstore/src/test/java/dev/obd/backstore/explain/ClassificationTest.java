package dev.obd.backstore.explain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.startlog.StartEvent;
import dev.obd.backstore.startlog.StartEvent.Kind;
import dev.obd.backstore.startlog.StartLog;
import dev.obd.backstore.startlog.StartLog.Layer;
import dev.obd.backstore.startlog.StartLog.Planned;
import dev.obd.io.ReadContext.Purpose;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ClassificationTest {
  private static final int BLOB = 64;
  private static final int UNIT = 8;

  private static long[] seeds() {
    long[] seeds = new long[40];
    for (int i = 0; i < seeds.length - 1; i++) {
      seeds[i] = i;
    }
    seeds[seeds.length - 1] = System.nanoTime();
    return seeds;
  }

  /** What happened, one event after the other, in the order in which it ended. */
  private static final class Script {
    final List<StartEvent> events = new ArrayList<>();
    final List<Planned> needs = new ArrayList<>();
    final List<Planned> steps = new ArrayList<>();
    private long thread = 100;

    void request(Purpose purpose, long from, long to, long begin, long end) {
      wire(++thread, purpose, from, to, begin, end, true);
    }

    void wire(long who, Purpose purpose, long from, long to, long begin, long end, boolean ok) {
      for (Kind kind : List.of(Kind.WIRE, Kind.TURN)) {
        events.add(new StartEvent(kind, who, begin, end, 0, from, to - from, purpose, false, ok));
      }
    }

    /** A read of the disk that was here; or, with {@code missing}, one that fetches its units. */
    void read(long from, long to, long begin, long end, boolean missing) {
      long who = ++thread;
      if (missing) {
        wire(
            who,
            Purpose.DEMAND,
            from / UNIT * UNIT,
            (to + UNIT - 1) / UNIT * UNIT,
            begin,
            end,
            true);
      }
      blob(who, from, to, begin, end);
      events.add(
          new StartEvent(
              Kind.DISK, who, begin, end, -1, from, to - from, Purpose.DEMAND, false, true));
    }

    void blob(long who, long from, long to, long begin, long end) {
      events.add(
          new StartEvent(
              Kind.BLOB, who, begin, end, 0, from, to - from, Purpose.DEMAND, false, true));
    }

    StartLog log() {
      return new StartLog(
          "test",
          BLOB,
          List.of(new Layer("l", "sha256:1", BLOB, UNIT, UNIT)),
          needs,
          steps,
          events,
          1000,
          0);
    }
  }

  private static Map<ByteClass, Long> classes(Script script) {
    Map<ByteClass, Long> found = new EnumMap<>(Explainer.DEFAULT.explain(script.log()).classes());
    found.values().removeIf(n -> n == 0);
    return found;
  }

  @Test
  void whatCameInTimeIsUsefulAndWhatWasWaitedForIsLate() {
    var script = new Script();
    script.needs.add(new Planned(0, 0, 16));
    script.steps.add(new Planned(0, 0, 16));
    script.request(Purpose.REPLAY, 0, 16, 10, 20);
    script.read(0, 6, 20, 25, false);
    script.read(8, 12, 19, 22, false);
    assertThat(classes(script))
        .isEqualTo(Map.of(ByteClass.USEFUL, 6L, ByteClass.LATE, 4L, ByteClass.ROUNDING, 6L));
  }

  @Test
  void whatIsReadAtOnceOfAnAnswerThatGoesOnWasHereInTime() {
    var script = new Script();
    script.request(Purpose.REPLAY, 0, 64, 10, 90_000);
    script.read(0, 8, 50_000, 50_100, false);
    script.read(8, 16, 50_000, 60_000, false);
    assertThat(classes(script))
        .isEqualTo(Map.of(ByteClass.USEFUL, 8L, ByteClass.LATE, 8L, ByteClass.WASTED, 48L));
    assertThat(Explainer.DEFAULT.explain(script.log()).stalls().micros()).isEqualTo(10_000);
  }

  @Test
  void whatAReadFetchesIsMissedOrOvertakenByWhetherTheTraceHadIt() {
    var script = new Script();
    script.needs.add(new Planned(0, 0, 8));
    script.steps.add(new Planned(0, 0, 8));
    script.read(0, 8, 10, 20, true);
    script.read(16, 20, 30, 40, true);
    assertThat(classes(script))
        .isEqualTo(Map.of(ByteClass.OVERTAKEN, 8L, ByteClass.MISSED, 4L, ByteClass.ROUNDING, 4L));
  }

  @Test
  void whatNobodyReadIsAGapBetweenRecordsOrWasted() {
    var script = new Script();
    script.needs.add(new Planned(0, 0, 8));
    script.needs.add(new Planned(0, 16, 8));
    script.steps.add(new Planned(0, 0, 24));
    script.request(Purpose.REPLAY, 0, 24, 10, 20);
    script.read(0, 8, 30, 31, false);
    script.request(Purpose.BACKGROUND, 32, 40, 50, 60);
    assertThat(classes(script))
        .isEqualTo(
            Map.of(
                ByteClass.USEFUL, 8L,
                ByteClass.GAP, 8L,
                ByteClass.WASTED, 8L,
                ByteClass.BACKGROUND, 8L));
  }

  @Test
  void whatIsFetchedOnceMoreWasLostBeforeItsUseOrHadBeenUsed() {
    var early = new Script();
    early.needs.add(new Planned(0, 0, 8));
    early.steps.add(new Planned(0, 0, 8));
    early.request(Purpose.REPLAY, 0, 8, 10, 20);
    early.read(0, 8, 30, 40, true);
    assertThat(classes(early)).isEqualTo(Map.of(ByteClass.EARLY, 8L, ByteClass.OVERTAKEN, 8L));

    var again = new Script();
    again.read(0, 8, 10, 20, true);
    again.read(0, 8, 30, 40, true);
    assertThat(classes(again)).isEqualTo(Map.of(ByteClass.MISSED, 8L, ByteClass.AGAIN, 8L));
  }

  @Test
  void whatOpensTheImageAndWhatFailsAreNoReadsOfTheDisk() {
    var script = new Script();
    script.wire(1, Purpose.DEMAND, 0, 8, 1, 2, true);
    script.blob(1, 0, 3, 1, 2);
    script.wire(2, Purpose.REPLAY, 8, 16, 1, 2, false);
    Explanation explained = Explainer.DEFAULT.explain(script.log());
    assertThat(classes(script)).isEqualTo(Map.of(ByteClass.OPENING, 8L));
    assertThat(explained.wire()).isEqualTo(new Explanation.Wire(1, 1, 8));
    assertThat(explained.time().reads()).isZero();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everyByteOfTheWireHasTheOneClassThatItHasByItself(long seed) {
    Script script = random(new SplittableRandom(seed));
    StartLog log = script.log();
    Explanation explained = Explainer.DEFAULT.explain(log);

    Map<ByteClass, Long> expected = new EnumMap<>(ByteClass.class);
    for (ByteClass c : ByteClass.values()) {
      expected.put(c, 0L);
    }
    Timeline timeline = Timeline.of(log);
    for (WireRequest request : timeline.requests()) {
      for (long at = request.offset(); request.ok() && at < request.end(); at++) {
        expected.merge(new OneByte(at, log, timeline).classOf(request), 1L, Long::sum);
      }
    }
    assertThat(explained.classes()).isEqualTo(expected);
    long wire =
        log.events().stream()
            .filter(e -> e.kind() == Kind.WIRE && e.ok())
            .mapToLong(StartEvent::length)
            .sum();
    assertThat(explained.wire().bytes()).isEqualTo(wire);
    assertThat(explained.classes().values().stream().mapToLong(n -> n).sum()).isEqualTo(wire);
    assertThat(
            explained.layers().stream()
                .flatMap(layer -> layer.classes().values().stream())
                .mapToLong(n -> n)
                .sum())
        .isEqualTo(wire);
    var replay = explained.replay();
    assertThat(
            replay.useful()
                + replay.late()
                + replay.overtaken()
                + replay.early()
                + replay.wasted()
                + replay.idle())
        .isEqualTo(replay.records());
  }

  private static Script random(SplittableRandom random) {
    var script = new Script();
    for (int i = random.nextInt(6); i > 0; i--) {
      long from = random.nextInt(BLOB / UNIT) * UNIT;
      script.needs.add(new Planned(0, from, UNIT));
      script.steps.add(new Planned(0, from, Math.min(BLOB - from, UNIT * random.nextInt(1, 4))));
    }
    for (int i = random.nextInt(30); i > 0; i--) {
      long from = random.nextInt(BLOB - 1);
      long to = random.nextLong(from + 1, Math.min(BLOB, from + 20) + 1);
      long begin = 70L * random.nextInt(100);
      long end = begin + 70L * random.nextInt(30);
      switch (random.nextInt(6)) {
        case 0 -> script.request(Purpose.REPLAY, from, to, begin, end);
        case 1 -> script.request(Purpose.BACKGROUND, from, to, begin, end);
        case 2 -> script.wire(1000 + i, Purpose.DEMAND, from, to, begin, end, random.nextBoolean());
        case 3 -> script.blob(2000 + i, from, to, begin, end);
        case 4 -> script.read(from, to, begin, end, true);
        default -> script.read(from, to, begin, end, false);
      }
    }
    script.events.sort(
        Comparator.comparingLong(StartEvent::thread)); // children stay before parents
    return script;
  }

  /** The definition, for one byte, in the plainest words. */
  private record OneByte(long at, StartLog log, Timeline timeline) {
    private List<WireRequest> copies() {
      return timeline.requests().stream()
          .filter(r -> r.ok() && r.offset() <= at && at < r.end())
          .toList();
    }

    private List<BlobRead> reads() {
      return timeline.all().stream()
          .flatMap(read -> read.blobs().stream())
          .filter(r -> r.offset() <= at && at < r.end())
          .toList();
    }

    private boolean uses(BlobRead read, WireRequest copy) {
      List<WireRequest> arrived =
          copies().stream().filter(c -> c.endMicros() <= read.endMicros()).toList();
      if (!arrived.isEmpty()) {
        long last = arrived.stream().mapToLong(WireRequest::endMicros).max().orElseThrow();
        return arrived.stream().filter(c -> c.endMicros() == last).toList().getLast() == copy;
      }
      List<WireRequest> underWay =
          copies().stream().filter(c -> c.beginMicros() <= read.endMicros()).toList();
      return !underWay.isEmpty()
          && underWay.stream().min(Comparator.comparingLong(WireRequest::endMicros)).orElseThrow()
              == copy;
    }

    private long firstUse(WireRequest copy) {
      return reads().stream()
          .filter(read -> uses(read, copy))
          .mapToLong(read ->
              copy.beginMicros() < read.beginMicros()
                      && read.endMicros() < copy.endMicros()
                      && read.endMicros() < read.beginMicros() + 1000
                  ? copy.endMicros()
                  : read.beginMicros())
          .min()
          .orElse(-1);
    }

    private static boolean in(List<Planned> parts, long at) {
      return parts.stream().anyMatch(p -> p.offset() <= at && at < p.end());
    }

    ByteClass classOf(WireRequest copy) {
      boolean ahead = copy.purpose() != Purpose.DEMAND;
      long use = firstUse(copy);
      if (copy.opening()) {
        return ByteClass.OPENING;
      }
      for (WireRequest c : copies()) {
        long used = firstUse(c);
        if (c != copy
            && used >= 0
            && used <= copy.beginMicros()
            && c.endMicros() <= copy.beginMicros()) {
          return ByteClass.AGAIN;
        }
      }
      if (use >= 0 && ahead) {
        return use >= copy.endMicros() ? ByteClass.USEFUL : ByteClass.LATE;
      }
      if (use >= 0) {
        return in(log.needs(), at) ? ByteClass.OVERTAKEN : ByteClass.MISSED;
      }
      for (WireRequest c : copies()) {
        if (ahead && c != copy && firstUse(c) >= 0 && c.beginMicros() >= copy.endMicros()) {
          return ByteClass.EARLY;
        }
      }
      if (!reads().isEmpty()) {
        return ByteClass.AGAIN;
      }
      boolean unitRead =
          timeline.all().stream()
              .flatMap(read -> read.blobs().stream())
              .anyMatch(r -> r.offset() / UNIT <= at / UNIT && at / UNIT <= (r.end() - 1) / UNIT);
      if (unitRead || !ahead) {
        return ByteClass.ROUNDING;
      }
      if (copy.purpose() == Purpose.BACKGROUND) {
        return ByteClass.BACKGROUND;
      }
      return in(log.steps(), at) && !in(log.needs(), at) ? ByteClass.GAP : ByteClass.WASTED;
    }
  }
}
