package dev.obd.cli.daemon;

import dev.obd.backstore.admin.AdminServer;
import dev.obd.backstore.admin.CacheApi;
import dev.obd.backstore.admin.ControlApi;
import dev.obd.backstore.admin.DaemonFacts;
import dev.obd.backstore.audit.AuditLog;
import dev.obd.backstore.config.ServiceConfig;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.DeviceHandler;
import dev.obd.backstore.device.HostProcess;
import dev.obd.backstore.device.Mounter;
import dev.obd.backstore.fleet.Fleet;
import dev.obd.backstore.fleet.FleetContext;
import dev.obd.backstore.metrics.Metrics;
import dev.obd.backstore.upkeep.CacheUpkeep;
import dev.obd.io.Ticker;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * A daemon at work: devices, the control API, and what else its configuration asks for. Closing it
 * drains the devices and leaves those that the kernel keeps to the next process.
 */
public final class Daemon implements Closeable {
  private static final Logger log = LogManager.getLogger(Daemon.class);
  private static final InetAddress ANY = new InetSocketAddress(0).getAddress();
  private static final int SNAPSHOT_PORT = 9862;

  private final DaemonOptions options;
  private final DaemonLog logs;
  private final long startNanos = Ticker.SYSTEM.nanos();
  private final List<String> remarks = new ArrayList<>();
  private final List<String> endpoints = new ArrayList<>();

  /** What closing closes, newest first. */
  private final Deque<Closeable> parts = new ArrayDeque<>();

  private final Fleet fleet;
  private final ControlApi api;

  private Daemon(DaemonOptions options) throws IOException, InterruptedException {
    this.options = options;
    boolean started = false;
    try {
      ServiceConfig config = options.config();
      // Before any thread is made: what is asked for here is inherited by those made later.
      ServiceLoader.load(HostProcess.class).forEach(host -> remarks.addAll(host.prepare()));
      logs = DaemonLog.start(config.log(), config.audit());
      sayWhatWillDiffer(config);
      Optional<AuditLog> audit = logs.audit().map(lines -> new AuditLog(lines, Ticker.SYSTEM));
      Metrics metrics = keep(new Metrics(options.version(), hostName(), Ticker.SYSTEM));
      Engine engine = keep(new Engine(options, metrics, audit));
      fleet = keep(new Fleet(context(engine)));
      fleet.start();
      metrics.addDevices(() -> ControlApi.samples(fleet.devices()));
      api =
          new ControlApi(
              fleet,
              new DaemonFacts(
                  options.version(),
                  () -> Duration.ofNanos(Ticker.SYSTEM.nanos() - startNanos),
                  options.home().root(),
                  config.file(),
                  endpoints,
                  remarks,
                  engine.cache(),
                  engine.repositories().requests(),
                  engine.links()),
              new CacheApi(
                  new CacheUpkeep(
                      engine.cache(),
                      engine.images(),
                      () -> ControlApi.devicesByLayer(fleet.devices()),
                      InstantSource.system())),
              logs,
              metrics,
              Ticker.SYSTEM);
      listen(config);
      started = true;
    } finally {
      if (!started) {
        close();
      }
    }
  }

  /**
   * Starts one; once this returns, it serves. Directs this process's log.
   *
   * @throws dev.obd.backstore.fleet.FleetException if another one serves the home
   */
  public static Daemon start(DaemonOptions options) throws IOException, InterruptedException {
    return new Daemon(options);
  }

  private <T extends Closeable> T keep(T part) {
    parts.push(part);
    return part;
  }

  private void sayWhatWillDiffer(ServiceConfig config) {
    if (!config.unknownKeys().isEmpty()) {
      remarks.add("the configuration has keys that mean nothing here: " + config.unknownKeys());
    }
    remarks.addAll(config.remarks());
    remarks.forEach(remark -> log.warn("daemon.remark {}", remark));
    log.info(
        "daemon.starting version={} pid={} home={} config={}",
        options.version(),
        ProcessHandle.current().pid(),
        options.home().root(),
        config.file().map(Path::toString).orElse("none, defaults"));
  }

  private FleetContext context(Engine engine) {
    Optional<DeviceHandler> handler =
        options.tcmu() ? ServiceLoader.load(DeviceHandler.class).findFirst() : Optional.empty();
    List<DeviceFrontend> frontends =
        ServiceLoader.load(DeviceFrontend.class).stream().map(ServiceLoader.Provider::get).toList();
    return new FleetContext(
        options.home(),
        options.config(),
        // One that was started by the way must not compete for the snapshotter's devices.
        options.tcmu() && options.linger().isEmpty(),
        engine.plans(),
        engine.opener(),
        frontends,
        handler,
        ServiceLoader.load(Mounter.class).findFirst(),
        engine.threads(),
        engine.timer(),
        Ticker.SYSTEM,
        InstantSource.system());
  }

  private void listen(ServiceConfig config) throws IOException, InterruptedException {
    if (config.exporter().enabled()) {
      ServiceConfig.Exporter exporter = config.exporter();
      AdminServer server =
          keep(
              AdminServer.tcp(
                  new InetSocketAddress(ANY, exporter.port()), api.exporter(exporter.uriPrefix())));
      endpoints.add("metrics " + server.address() + exporter.uriPrefix());
    }
    if (config.snapshots().enabled()) {
      AdminServer server =
          keep(AdminServer.tcp(address(config.snapshots().address()), api.snapshots()));
      endpoints.add("snapshots " + server.address() + "/snapshot");
    }
    Path socket = options.controlSocket();
    Path directory = socket.toAbsolutePath().getParent();
    if (directory != null) {
      Files.createDirectories(directory);
    }
    AdminServer control = keep(AdminServer.unix(socket, config.own().controlGroup(), api.routes()));
    endpoints.add("control " + control.address());
  }

  /** As the original: an address of IPv4 is that address, any other name is all of them. */
  private static InetSocketAddress address(URI where) throws UnknownHostException {
    String host = where.getHost() == null ? "" : where.getHost();
    int port = where.getPort() < 0 ? SNAPSHOT_PORT : where.getPort();
    return host.matches("\\d{1,3}(\\.\\d{1,3}){3}")
        ? new InetSocketAddress(InetAddress.getByName(host), port)
        : new InetSocketAddress(ANY, port);
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }

  /** One line for humans: where it is reached, and what it can serve. */
  public String summary() {
    return String.join(", ", endpoints)
        + "; doors: "
        + fleet.doors().stream()
            .filter(door -> door.unavailableBecause().isEmpty())
            .map(door -> door.door().label())
            .collect(Collectors.joining(" "))
        + String.format(Locale.ROOT, "; devices: %d", fleet.devices().size());
  }

  /** True if it has lingered long enough with nothing to do. */
  public boolean isIdle() {
    return options.linger().isPresent()
        && api.quiet().compareTo(options.linger().get()) > 0
        && fleet.devices().isEmpty();
  }

  /** Returns if the devices answer: a watchdog's question. */
  public int check() {
    return fleet.devices().size();
  }

  /** Idempotent. */
  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (Closeable part = parts.poll(); part != null; part = parts.poll()) {
      try {
        part.close();
      } catch (IOException e) {
        log.error("daemon.close.failed part={}", part.getClass().getSimpleName(), e);
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    log.info("daemon.stopped");
    if (logs != null) {
      logs.stop();
    }
    if (failure != null) {
      throw failure;
    }
  }
}
