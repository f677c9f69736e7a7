package dev.obd.backstore.explain;

import dev.obd.backstore.explain.Classification.RecordClass;
import dev.obd.backstore.explain.Explanation.LayerShare;
import dev.obd.backstore.explain.Explanation.Replay;
import dev.obd.backstore.explain.Explanation.Request;
import dev.obd.backstore.explain.Explanation.Stall;
import dev.obd.backstore.explain.Explanation.Stalls;
import dev.obd.backstore.explain.Explanation.Time;
import dev.obd.backstore.explain.Explanation.WhatIf;
import dev.obd.backstore.explain.Explanation.Wire;
import dev.obd.backstore.explain.Scenario.Mode;
import dev.obd.backstore.explain.StallChain.Wait;
import dev.obd.backstore.startlog.StartLog;
import dev.obd.io.ReadContext.Purpose;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Says what a start log means.
 *
 * @param longest how many of the longest waits to name
 * @param otherLink what to ask the model for besides
 * @param otherUnit likewise, bytes
 */
public record Explainer(
    int longest, Optional<Link> otherLink, Optional<Long> otherUnit, FileNames files) {
  /** Ten waits, over the same link and in the same units, without names of files. */
  public static final Explainer DEFAULT =
      new Explainer(10, Optional.empty(), Optional.empty(), FileNames.NONE);

  /** The same with names of files. */
  public Explainer naming(FileNames names) {
    return new Explainer(longest, otherLink, otherUnit, names);
  }

  public Explanation explain(StartLog log) {
    Timeline timeline = Timeline.of(log);
    Classification classes = Classification.of(log, timeline);
    List<Request> requests = requests(timeline, classes);
    List<Wait> waits = StallChain.waits(timeline, classes);
    Optional<Link> link = LinkFit.of(timeline.requests());
    return new Explanation(
        log.image(),
        time(log, timeline, waits),
        new Wire(
            requests.stream().filter(Request::ok).count(),
            requests.stream().filter(r -> !r.ok()).count(),
            requests.stream().filter(Request::ok).mapToLong(Request::length).sum()),
        sum(requests),
        replay(log, classes),
        stalls(log, timeline, waits),
        layers(log, requests),
        requests,
        link.orElse(null),
        link.map(l -> whatIf(log, timeline, classes, l)).orElse(List.of()),
        log.dropped());
  }

  private static Time time(StartLog log, Timeline timeline, List<Wait> waits) {
    return new Time(
        timeline.reads().isEmpty() ? log.endMicros() : timeline.reads().getFirst().beginMicros(),
        timeline.reads().stream().mapToLong(DiskRead::endMicros).max().orElse(0),
        log.endMicros(),
        StallChain.covered(waits),
        timeline.reads().size(),
        timeline.reads().stream().mapToLong(DiskRead::length).sum());
  }

  private static List<Request> requests(Timeline timeline, Classification classes) {
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < timeline.requests().size(); i++) {
      WireRequest request = timeline.requests().get(i);
      requests.add(
          new Request(
              request.layer(),
              request.offset(),
              request.length(),
              request.queuedMicros(),
              request.beginMicros(),
              request.endMicros(),
              request.purpose().name().toLowerCase(Locale.ROOT),
              request.raised(),
              request.ok(),
              classes.bytes(i)));
    }
    return requests;
  }

  private static Map<ByteClass, Long> sum(List<Request> requests) {
    Map<ByteClass, Long> sum = new EnumMap<>(ByteClass.class);
    for (ByteClass c : ByteClass.values()) {
      sum.put(c, 0L);
    }
    requests.forEach(request -> request.classes().forEach((c, n) -> sum.merge(c, n, Long::sum)));
    return sum;
  }

  private static Replay replay(StartLog log, Classification classes) {
    Map<RecordClass, Long> count = new EnumMap<>(RecordClass.class);
    for (RecordClass found : classes.records()) {
      count.merge(found, 1L, Long::sum);
    }
    return new Replay(
        log.needs().size(),
        log.steps().size(),
        count.getOrDefault(RecordClass.USEFUL, 0L),
        count.getOrDefault(RecordClass.LATE, 0L),
        count.getOrDefault(RecordClass.OVERTAKEN, 0L),
        count.getOrDefault(RecordClass.EARLY, 0L),
        count.getOrDefault(RecordClass.WASTED, 0L),
        count.getOrDefault(RecordClass.IDLE, 0L));
  }

  private Stalls stalls(StartLog log, Timeline timeline, List<Wait> waits) {
    List<Wait> chain = StallChain.heaviest(waits);
    List<Stall> named =
        chain.stream()
            .sorted(Comparator.comparingLong(Wait::micros).reversed())
            .limit(longest)
            .map(wait -> stall(log, timeline, wait))
            .toList();
    return new Stalls(
        waits.size(),
        waits.stream().mapToLong(Wait::micros).sum(),
        chain.size(),
        chain.stream().mapToLong(Wait::micros).sum(),
        named);
  }

  private Stall stall(StartLog log, Timeline timeline, Wait wait) {
    WireRequest request = timeline.requests().get(wait.request());
    DiskRead read = wait.read();
    return new Stall(
        wait.beginMicros(),
        wait.micros(),
        why(log, request),
        request.layer(),
        read.offset(),
        read.length(),
        files.of(read.offset(), read.length()).orElse(null));
  }

  private static ByteClass why(StartLog log, WireRequest request) {
    if (request.purpose() != Purpose.DEMAND) {
      return ByteClass.LATE;
    }
    boolean known =
        log.needs().stream()
            .anyMatch(need ->
                need.layer() == request.layer()
                    && need.offset() < request.end()
                    && request.offset() < need.end());
    return known ? ByteClass.OVERTAKEN : ByteClass.MISSED;
  }

  private static List<LayerShare> layers(StartLog log, List<Request> requests) {
    List<LayerShare> shares = new ArrayList<>();
    for (int layer = 0; layer < log.layers().size(); layer++) {
      int number = layer;
      List<Request> own = requests.stream().filter(r -> r.layer() == number && r.ok()).toList();
      Map<ByteClass, Long> classes = sum(own);
      classes.values().removeIf(n -> n == 0);
      shares.add(
          new LayerShare(
              log.layers().get(layer).name(),
              own.size(),
              own.stream().mapToLong(Request::length).sum(),
              classes));
    }
    return shares;
  }

  private List<WhatIf> whatIf(StartLog log, Timeline timeline, Classification classes, Link link) {
    Optional<StartModel> model = StartModel.of(log, timeline, classes);
    if (model.isEmpty() || timeline.reads().isEmpty()) {
      return List.of();
    }
    boolean replayed = timeline.requests().stream().anyMatch(r -> r.purpose() == Purpose.REPLAY);
    Mode asItWas = replayed ? Mode.REPLAY : Mode.DEMAND;
    List<Scenario> scenarios = new ArrayList<>();
    scenarios.add(new Scenario("as it was", link, asItWas, 0));
    scenarios.add(
        replayed
            ? new Scenario("without replay", link, Mode.DEMAND, 0)
            : new Scenario("with a replay", link, Mode.REPLAY, 0));
    scenarios.add(new Scenario("hot layer", link, Mode.HOT, 0));
    otherUnit.ifPresent(unit -> scenarios.add(new Scenario("other unit", link, asItWas, unit)));
    otherLink.ifPresent(other -> {
      scenarios.add(new Scenario("other link", other, asItWas, 0));
      scenarios.add(
          replayed
              ? new Scenario("other link, without replay", other, Mode.DEMAND, 0)
              : new Scenario("other link, with a replay", other, Mode.REPLAY, 0));
      scenarios.add(new Scenario("other link, hot layer", other, Mode.HOT, 0));
    });
    return scenarios.stream().map(s -> new WhatIf(s, model.get().predict(s))).toList();
  }
}
