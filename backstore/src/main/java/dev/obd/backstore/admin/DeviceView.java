package dev.obd.backstore.admin;

import dev.obd.backstore.device.DeviceStats;
import dev.obd.backstore.download.DownloadStatus;
import dev.obd.backstore.fleet.Attachment;
import dev.obd.backstore.fleet.DeviceStatus;
import dev.obd.backstore.fleet.DeviceStatus.State;
import dev.obd.backstore.image.LayerState;
import dev.obd.backstore.image.Locality;
import dev.obd.backstore.prefetch.ReplayStats;
import dev.obd.io.LatencySnapshot;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A device as the control API shows it; docs/control-api.md explains the fields. What does not
 * apply is absent.
 */
record DeviceView(
    String id,
    String source,
    String state,
    @Nullable String reason,
    @Nullable Integer tries,
    @Nullable String devId,
    @Nullable String via,
    @Nullable String node,
    @Nullable String mount,
    @Nullable String fsType,
    @Nullable String upper,
    @Nullable String since,
    int opens,
    @Nullable String lastError,
    @Nullable Live live) {
  /** What only an open device has. */
  record Live(
      long sizeBytes,
      boolean writable,
      int inFlight,
      int stalled,
      Map<String, OpView> requests,
      Map<String, Long> failures,
      @Nullable String lastFailure,
      RemoteView remote,
      @Nullable StallView stall,
      @Nullable WaitingView waiting,
      List<String> slowBecause,
      @Nullable LocalView local,
      List<LayerView> layers,
      @Nullable ReplayView replay,
      @Nullable DownloadView download,
      @Nullable RecordingView recording,
      @Nullable String outageSafeSince) {}

  record OpView(long count, long bytes, long medianMicros, long p99Micros, long maxMicros) {}

  record RemoteView(
      long reads, long failures, long bytes, long medianMicros, long p99Micros, long maxMicros) {}

  /** Why reads do not get on, for how long, and how many wait. */
  record StallView(String origin, String reason, long seconds, int waiting) {}

  /** Reads that have been under way for a second or more, and the first of them since when. */
  record WaitingView(int reads, long seconds) {}

  /** How much is on this machine. */
  record LocalView(
      long bytes, long localBytes, int percent, boolean outageSafe, @Nullable PartView workingSet) {
    static LocalView of(Locality locality) {
      Locality.Part all = locality.all();
      return new LocalView(
          all.bytes(),
          all.localBytes(),
          all.percent(),
          locality.outageSafe(),
          locality
              .workingSet()
              .map(p -> new PartView(p.bytes(), p.localBytes(), p.percent()))
              .orElse(null));
    }
  }

  record PartView(long bytes, long localBytes, int percent) {}

  record LayerView(String name, boolean remote, long blobBytes, long localBytes) {}

  record ReplayView(
      String state,
      long records,
      long ranges,
      long rangeBytes,
      long requests,
      long bytes,
      long failed) {}

  record DownloadView(
      String state,
      int layers,
      int layersDone,
      long bytes,
      long bytesDone,
      long fetchedBytes,
      @Nullable String problem) {}

  record RecordingView(String since, int records, long dropped, boolean startOver) {}

  /**
   * @param locality if it was looked at
   */
  static DeviceView of(DeviceStatus status, DaemonFacts facts, Optional<Locality> locality) {
    @Nullable Attachment attached = status.attachment().orElse(null);
    @Nullable String reason = null;
    @Nullable Integer tries = null;
    switch (status.state()) {
      case State.Parked(String why, int times) -> {
        reason = why;
        tries = times;
      }
      case State.Lost(String why) -> reason = why;
      case State.Ended(String why) -> reason = why;
      case State.Opening _, State.Serving _ -> {}
    }
    return new DeviceView(
        status.id(),
        status.source(),
        word(status.state()),
        reason,
        tries,
        status.devId().orElse(null),
        attached == null ? null : attached.door().label(),
        status.node().orElse(null),
        attached == null ? null : attached.mount().map(Object::toString).orElse(null),
        attached == null || attached.mount().isEmpty() ? null : attached.fsType(),
        attached == null ? null : attached.upper().map(Object::toString).orElse(null),
        status.since().map(Object::toString).orElse(null),
        status.opens(),
        status.lastError().orElse(null),
        status.live().map(live -> live(live, facts, locality)).orElse(null));
  }

  /** One word out of few for a state. */
  static String word(State state) {
    return state.getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  private static Live live(DeviceStatus.Live live, DaemonFacts facts, Optional<Locality> locality) {
    DeviceStats io = live.io();
    var requests = new TreeMap<String, OpView>();
    io.ops()
        .forEach((op, stats) -> {
          LatencySnapshot l = stats.latency();
          requests.put(
              word(op),
              new OpView(
                  stats.count(),
                  stats.bytes(),
                  l.medianNanos() / 1000,
                  l.p99Nanos() / 1000,
                  l.maxNanos() / 1000));
        });
    var failures = new TreeMap<String, Long>();
    io.failures().forEach((status, count) -> failures.put(word(status), count));
    LatencySnapshot remote = live.remote().latency();
    return new Live(
        live.sizeBytes(),
        live.writable(),
        io.inFlight(),
        io.stuck(),
        requests,
        failures,
        lastFailure(io.lastFailure()),
        new RemoteView(
            remote.count(),
            live.remote().failures(),
            live.remote().bytes(),
            remote.medianNanos() / 1000,
            remote.p99Nanos() / 1000,
            remote.maxNanos() / 1000),
        live.stall()
            .map(s -> new StallView(s.origin(), s.reason(), s.lasting().toSeconds(), s.waiting()))
            .orElse(null),
        io.waiting().reads() == 0
            ? null
            : new WaitingView(io.waiting().reads(), io.waiting().longest().toSeconds()),
        Slowness.of(live, facts),
        locality.map(LocalView::of).orElse(null),
        live.layers().stream().map(DeviceView::layer).toList(),
        live.replay().map(DeviceView::replay).orElse(null),
        live.download().map(DeviceView::download).orElse(null),
        live.recording()
            .map(r ->
                new RecordingView(r.since().toString(), r.records(), r.dropped(), r.startOver()))
            .orElse(null),
        live.outageSafeSince().map(Object::toString).orElse(null));
  }

  private static @Nullable String lastFailure(DeviceStats.@Nullable LastFailure last) {
    return last == null
        ? null
        : "%s of %d bytes at %d: %s, %d s ago (%s)"
            .formatted(
                word(last.op()),
                last.length(),
                last.offset(),
                last.reason(),
                last.age().toSeconds(),
                word(last.status()));
  }

  private static LayerView layer(LayerState layer) {
    return new LayerView(layer.name(), layer.remote(), layer.blobBytes(), layer.localBytes());
  }

  private static ReplayView replay(ReplayStats r) {
    return new ReplayView(
        word(r.state()),
        r.records(),
        r.ranges(),
        r.rangeBytes(),
        r.requests(),
        r.bytes(),
        r.failed());
  }

  private static DownloadView download(DownloadStatus d) {
    return new DownloadView(
        word(d.state()),
        d.layers(),
        d.layersDone(),
        d.bytes(),
        d.bytesDone(),
        d.fetchedBytes(),
        d.problem().orElse(null));
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
