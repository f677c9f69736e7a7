package dev.obd.backstore.admin;

import dev.obd.backstore.device.DeviceStats;
import dev.obd.backstore.fleet.DeviceStatus;
import dev.obd.backstore.prefetch.ReplayStats;
import dev.obd.backstore.source.FetchScheduler;
import dev.obd.io.LatencySnapshot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** Why reads of a device take longer than they could, for humans; the gravest reason first. */
final class Slowness {
  /** Of a registry that is far away or busy; within a region it is a tenth of it. */
  private static final Duration FAR = Duration.ofMillis(150);

  private final DeviceStatus.Live live;
  private final DaemonFacts facts;
  private final List<String> reasons = new ArrayList<>();

  private Slowness(DeviceStatus.Live live, DaemonFacts facts) {
    this.live = live;
    this.facts = facts;
  }

  /** Empty if nothing is known to hold it up. */
  static List<String> of(DeviceStatus.Live live, DaemonFacts facts) {
    var slowness = new Slowness(live, facts);
    slowness.reads();
    if (live.remote().latency().count() > 0) {
      slowness.links();
      slowness.registry();
    }
    slowness.cache();
    return List.copyOf(slowness.reasons);
  }

  private void reads() {
    DeviceStats.Waiting waiting = live.io().waiting();
    if (live.stall().isPresent()) {
      var stall = live.stall().get();
      reasons.add(
          "%s does not answer as it should since %d s, %d reads wait: %s"
              .formatted(
                  stall.origin(), stall.lasting().toSeconds(), stall.waiting(), stall.reason()));
    } else if (waiting.reads() > 0) {
      reasons.add(
          "%d reads wait, the first since %d s"
              .formatted(waiting.reads(), waiting.longest().toSeconds()));
    }
    if (live.io().stuck() > 0) {
      reasons.add(
          live.io().stuck() + " requests were given up and have not come back: a disk hangs");
    }
  }

  private void links() {
    new TreeMap<>(facts.links().all())
        .forEach((host, scheduler) -> {
          FetchScheduler.Load load = scheduler.load();
          if (load.queued() > 0) {
            reasons.add(
                "%d requests wait for their turn at %s, %d are under way"
                    .formatted(load.queued(), host, load.demand() + load.other()));
          }
        });
    if (live.replay().filter(r -> r.state() == ReplayStats.State.RUNNING).isPresent()) {
      reasons.add("the trace is being replayed: what it names will be here soon");
    }
  }

  private void registry() {
    LatencySnapshot latency = live.remote().latency();
    if (latency.medianNanos() > FAR.toNanos()) {
      reasons.add(
          "a request over the network takes %d ms (1 of 100 more than %d ms)"
              .formatted(latency.medianNanos() / 1_000_000, latency.p99Nanos() / 1_000_000));
    }
    if (live.remote().failures() > 0) {
      reasons.add(
          "%d of %d requests over the network failed and were made again"
              .formatted(live.remote().failures(), latency.count()));
    }
  }

  private void cache() {
    long errors = facts.cache().stats().snapshot().diskErrors();
    if (errors > 0) {
      reasons.add(
          "the cache's disk failed %d times: what is read may be fetched anew".formatted(errors));
    }
  }
}
