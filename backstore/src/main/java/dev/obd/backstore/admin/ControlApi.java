package dev.obd.backstore.admin;

import dev.obd.backstore.config.PrefetchConfig;
import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.fleet.AttachRequest;
import dev.obd.backstore.fleet.DeviceStatus;
import dev.obd.backstore.fleet.Door;
import dev.obd.backstore.fleet.Fleet;
import dev.obd.backstore.fleet.FleetException;
import dev.obd.backstore.fleet.Recorded;
import dev.obd.backstore.fleet.ReplayRequest;
import dev.obd.backstore.fleet.Resized;
import dev.obd.backstore.fleet.SnapshotOutcome;
import dev.obd.backstore.metrics.DeviceSample;
import dev.obd.backstore.metrics.Metrics;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.TraceChoice;
import dev.obd.backstore.startlog.StartLogging;
import dev.obd.io.Ticker;
import dev.obd.trace.FileList;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/** What can be asked of the daemon, version 1: docs/control-api.md. Thread-safe. */
public final class ControlApi {
  private static final Logger log = LogManager.getLogger(ControlApi.class);
  private static final int MAX_LOG_SECONDS = 86_400;

  private final Fleet fleet;
  private final DaemonFacts facts;
  private final CacheApi cache;
  private final LogLevels levels;
  private final Metrics metrics;
  private final Ticker ticker;
  private final AtomicInteger atWork = new AtomicInteger();
  private final AtomicLong lastAskedNanos;

  /** Nothing is listened to yet: see {@link #routes}. */
  public ControlApi(
      Fleet fleet,
      DaemonFacts facts,
      CacheApi cache,
      LogLevels levels,
      Metrics metrics,
      Ticker ticker) {
    this.fleet = fleet;
    this.facts = facts;
    this.cache = cache;
    this.levels = levels;
    this.metrics = metrics;
    this.ticker = ticker;
    this.lastAskedNanos = new AtomicLong(ticker.nanos());
  }

  /** For how long nobody has asked for anything; zero while somebody is being answered. */
  public Duration quiet() {
    return atWork.get() > 0
        ? Duration.ZERO
        : Duration.ofNanos(Math.max(0, ticker.nanos() - lastAskedNanos.get()));
  }

  /** Everything, for the control socket. */
  public List<Route> routes() {
    return List.of(
        route("GET", "/v1", _ -> Answer.json(new Index(paths()))),
        route("GET", "/v1/status", _ -> status()),
        route("GET", "/v1/devices", _ -> Answer.json(new Devices(views()))),
        route("POST", "/v1/devices", this::attach),
        route("GET", "/v1/devices/{id}", asked -> Answer.json(view(asked.variable("id")))),
        route("DELETE", "/v1/devices/{id}", this::detach),
        route("POST", "/v1/devices/{id}/recording", this::startRecording),
        route("DELETE", "/v1/devices/{id}/recording", this::stopRecording),
        route("POST", "/v1/devices/{id}/snapshot", this::snapshot),
        route("PUT", "/v1/devices/{id}/size", this::resize),
        route("POST", "/v1/stale", _ -> Answer.json(fleet.clearStale())),
        route("GET", "/v1/cache", _ -> cache.list()),
        route("POST", "/v1/cache/prune", asked -> cache.prune(asked.body())),
        route("POST", "/v1/cache/verify", this::verify),
        route("POST", "/v1/cache/import", this::bring),
        route("PUT", "/v1/cache/{digest}/pin", asked -> cache.pin(asked.variable("digest"), true)),
        route(
            "DELETE",
            "/v1/cache/{digest}/pin",
            asked -> cache.pin(asked.variable("digest"), false)),
        route("GET", "/v1/log-level", _ -> Answer.json(new LogLevel(levels.level()))),
        route("PUT", "/v1/log-level", this::setLogLevel),
        route("GET", "/v1/metrics", _ -> metricsText()));
  }

  /** The Prometheus endpoint alone. */
  public List<Route> exporter(String path) {
    return List.of(new Route("GET", path, _ -> metricsText()));
  }

  private Answer metricsText() {
    return Answer.text(200, Answer.PROMETHEUS, metrics.text());
  }

  /** overlaybd's live snapshots alone: any method, parameters {@code dev_id} and {@code config}. */
  public List<Route> snapshots() {
    return List.of(
        new Route(
            "*",
            "/snapshot",
            asked -> {
              SnapshotOutcome outcome =
                  snapshot(asked.parameter("dev_id"), asked.parameter("config"));
              return Answer.json(
                  outcome.code(), new Snapshot(outcome.code() == 200, outcome.message()));
            }));
  }

  private SnapshotOutcome snapshot(Optional<String> devId, Optional<String> config) {
    return fleet.snapshot(devId.orElse(""), config.orElse(""));
  }

  // ---- documents

  private record Index(List<String> paths) {}

  private record Devices(List<DeviceView> devices) {}

  private record Attach(
      @Nullable String source,
      @Nullable String name,
      @Nullable String via,
      @Nullable String mount,
      @Nullable String fsType,
      @Nullable String mountOptions,
      @Nullable Boolean writable,
      @Nullable String upper,
      @Nullable Boolean replay,
      @Nullable String trace,
      @Nullable String prefetchBudget,
      @Nullable String startLog,
      @Nullable Double startLogSeconds,
      @Nullable List<String> prefetchFiles,
      @Nullable Double prefetchWaitSeconds) {}

  private record Detached(String id, boolean detached) {}

  private record StartRecording(@Nullable Integer maxRecords) {}

  private record Recording(
      String source,
      long records,
      long bytes,
      long dropped,
      double seconds,
      String trace,
      String micros) {}

  private record Config(@Nullable String config) {}

  private record Size(@Nullable Long bytes, @Nullable Boolean shrink) {}

  private record NewSize(long sizeBytes, @Nullable String note) {}

  private record Snapshot(boolean success, String message) {}

  private record LogLevel(@Nullable String level) {}

  // ---- handlers

  private interface Work {
    Answer answer(Asked asked) throws IOException, InterruptedException;
  }

  private Route route(String method, String path, Work work) {
    return new Route(
        method,
        path,
        asked -> {
          atWork.incrementAndGet();
          try {
            return work.answer(asked);
          } catch (FleetException e) {
            throw refusal(e);
          } catch (BusyException e) {
            throw new AdminException(
                409, "busy", String.valueOf(e.getMessage()), "stop who uses it, or force it");
          } finally {
            lastAskedNanos.set(ticker.nanos());
            atWork.decrementAndGet();
          }
        });
  }

  private static AdminException refusal(FleetException e) {
    String message = String.valueOf(e.getMessage());
    return switch (e.kind()) {
      case UNKNOWN -> new AdminException(404, "not-found", message, "see GET /v1/devices");
      case CONFLICT -> new AdminException(409, "conflict", message);
      case UNSUPPORTED -> new AdminException(422, "unsupported", message);
    };
  }

  private List<String> paths() {
    return routes().stream().map(route -> route.method() + " " + route.template()).toList();
  }

  private Answer status() {
    return Answer.json(StatusView.of(facts, levels.level(), fleet.devices(), fleet.doors()));
  }

  private List<DeviceView> views() {
    return fleet.devices().stream()
        .map(device -> DeviceView.of(device, facts, Optional.empty()))
        .toList();
  }

  private DeviceView view(String id) throws AdminException {
    return DeviceView.of(
        fleet
            .device(id)
            .orElseThrow(() ->
                new AdminException(
                    404, "not-found", id + ": no such device", "see GET /v1/devices")),
        facts,
        fleet.locality(id));
  }

  private static Optional<StartLogging.Target> startLog(Attach a) throws AdminException {
    Double seconds = a.startLogSeconds;
    if (seconds != null && (a.startLog == null || !(seconds > 0 && seconds <= MAX_LOG_SECONDS))) {
      throw new IllegalArgumentException(
          "startLogSeconds: expected up to " + MAX_LOG_SECONDS + ", with startLog, got " + seconds);
    }
    Optional<Duration> time =
        Optional.ofNullable(seconds).map(s -> Duration.ofNanos((long) (s * 1e9)));
    return path("startLog", a.startLog).map(file -> new StartLogging.Target(file, time));
  }

  private Answer attach(Asked asked) throws IOException, InterruptedException {
    Attach a = JsonText.parse(asked.body(), Attach.class);
    var request =
        new AttachRequest(
            required("source", a.source),
            Optional.ofNullable(a.name),
            door(a.via),
            path("mount", a.mount),
            Optional.ofNullable(a.fsType),
            a.mountOptions == null ? "" : a.mountOptions,
            Boolean.TRUE.equals(a.writable),
            path("upper", a.upper),
            replay(a),
            startLog(a),
            prefetch(a));
    DeviceStatus attached;
    try (var _ = new GivenUp(asked.client())) {
      attached = fleet.attach(request);
    }
    if (asked.client().isGone()) { // too late to be interrupted
      log.info("attach.abandoned device={}", attached.id());
      fleet.detach(attached.id(), true);
    }
    return Answer.json(201, DeviceView.of(attached, facts, Optional.empty()));
  }

  private static ReplayRequest replay(Attach a) throws AdminException {
    String trace = a.trace == null ? "" : a.trace;
    String budget = a.prefetchBudget == null ? "" : a.prefetchBudget;
    try {
      return Boolean.FALSE.equals(a.replay)
          ? ReplayRequest.of(false)
          : new ReplayRequest(TraceChoice.parse(trace), PrefetchBudget.parse(budget));
    } catch (IllegalArgumentException e) {
      throw new AdminException(400, "bad-field", String.valueOf(e.getMessage()));
    }
  }

  private static PrefetchConfig prefetch(Attach a) throws AdminException {
    double seconds = a.prefetchWaitSeconds == null ? 0 : a.prefetchWaitSeconds;
    List<String> files = a.prefetchFiles == null ? List.of() : a.prefetchFiles;
    if (files.stream().anyMatch(Objects::isNull)) {
      throw new AdminException(400, "bad-field", "prefetchFiles: expected strings, got null");
    }
    try {
      return new PrefetchConfig(FileList.of(files), Duration.ofMillis((long) (seconds * 1000)));
    } catch (IllegalArgumentException e) {
      throw new AdminException(400, "bad-field", String.valueOf(e.getMessage()));
    }
  }

  private static Optional<Door> door(@Nullable String label) throws AdminException {
    if (label == null || label.equals("auto")) {
      return Optional.empty();
    }
    Optional<Door> door = Door.of(label);
    if (door.isEmpty()) {
      throw new AdminException(
          400,
          "bad-field",
          "via: there is no door '" + label + "'",
          "auto or one of " + Stream.of(Door.values()).map(Door::label).toList());
    }
    return door;
  }

  static Optional<Path> path(String field, @Nullable String text) throws AdminException {
    if (text == null) {
      return Optional.empty();
    }
    try {
      Path path = Path.of(text);
      if (path.isAbsolute()) {
        return Optional.of(path.normalize());
      }
    } catch (InvalidPathException e) {
      // told below
    }
    throw new AdminException(
        400, "bad-field", field + ": expected an absolute path, got '" + text + "'");
  }

  private static String required(String field, @Nullable String text) throws AdminException {
    if (text == null || text.isEmpty()) {
      throw new AdminException(400, "bad-field", field + ": expected text, got nothing");
    }
    return text;
  }

  private Answer detach(Asked asked) throws IOException, InterruptedException {
    String id = asked.variable("id");
    fleet.detach(id, asked.isSet("force"));
    return Answer.json(new Detached(id, true));
  }

  private Answer startRecording(Asked asked) throws IOException {
    int most = TraceFile.MAX_RECORDS;
    if (!asked.body().isBlank()) {
      Integer wanted = JsonText.parse(asked.body(), StartRecording.class).maxRecords;
      most = wanted == null ? most : wanted;
    }
    if (most < 1 || most > TraceFile.MAX_RECORDS) {
      throw new AdminException(
          400, "bad-field", "maxRecords: expected 1 to " + TraceFile.MAX_RECORDS + ", got " + most);
    }
    fleet.startRecording(asked.variable("id"), most);
    return Answer.json(view(asked.variable("id")));
  }

  private Answer stopRecording(Asked asked) throws IOException {
    Recorded recorded = fleet.stopRecording(asked.variable("id"));
    return Answer.json(
        new Recording(
            recorded.source(),
            recorded.trace().size(),
            recorded.trace().bytes(),
            recorded.dropped(),
            recorded.time().toNanos() / 1e9,
            Base64.getEncoder().encodeToString(TraceFile.encode(recorded.trace())),
            Base64.getEncoder().encodeToString(micros(recorded.trace()))));
  }

  private static byte[] micros(Trace trace) {
    ByteBuffer times =
        ByteBuffer.allocate(trace.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < trace.size(); i++) {
      times.putLong(trace.micros(i));
    }
    return times.array();
  }

  private Answer snapshot(Asked asked) throws IOException {
    String config = required("config", JsonText.parse(asked.body(), Config.class).config);
    DeviceView device = view(asked.variable("id"));
    if (device.devId() == null) {
      throw new AdminException(
          422,
          "unsupported",
          device.id() + ": was opened without a dev_id, by which snapshots name devices",
          "write dev_config=overlaybd/<path>;<dev_id> when making the device");
    }
    return switch (snapshot(Optional.of(device.devId()), Optional.of(config))) {
      case SnapshotOutcome.Created made -> Answer.json(new Snapshot(true, made.message()));
      case SnapshotOutcome.Failed(String reason) ->
          throw new AdminException(500, "failed", "the snapshot failed: " + reason);
      case SnapshotOutcome other ->
          throw new AdminException(other.code(), "not-found", other.message());
    };
  }

  private Answer resize(Asked asked) throws IOException {
    Size size = JsonText.parse(asked.body(), Size.class);
    if (size.bytes == null) {
      throw new AdminException(400, "bad-field", "bytes: expected a number, got nothing");
    }
    Resized resized =
        fleet.resize(asked.variable("id"), size.bytes, Boolean.TRUE.equals(size.shrink));
    return Answer.json(new NewSize(resized.sizeBytes(), resized.note().orElse(null)));
  }

  private Answer verify(Asked asked) throws IOException, InterruptedException {
    try (var _ = new GivenUp(asked.client())) {
      return cache.verify(asked.body());
    }
  }

  private Answer bring(Asked asked) throws IOException, InterruptedException {
    try (var _ = new GivenUp(asked.client())) {
      return cache.bring(asked.body());
    }
  }

  private Answer setLogLevel(Asked asked) throws AdminException {
    levels.set(required("level", JsonText.parse(asked.body(), LogLevel.class).level));
    return Answer.json(new LogLevel(levels.level()));
  }

  /** Which open devices have which layers: digest → names. */
  public static Map<String, Set<String>> devicesByLayer(List<DeviceStatus> devices) {
    Map<String, Set<String>> found = new HashMap<>();
    for (DeviceStatus device : devices) {
      device
          .live()
          .ifPresent(live ->
              live.layers()
                  .forEach(layer ->
                      found.computeIfAbsent(layer.name(), _ -> new TreeSet<>()).add(device.id())));
    }
    return found;
  }

  /** What the metrics say of the devices. */
  public static List<DeviceSample> samples(List<DeviceStatus> devices) {
    return devices.stream()
        .map(d ->
            new DeviceSample(
                d.id(),
                DeviceView.word(d.state()),
                d.live().map(DeviceStatus.Live::io),
                d.live().flatMap(DeviceStatus.Live::replay),
                d.live().flatMap(DeviceStatus.Live::outageSafeSince).isPresent()))
        .toList();
  }
}
