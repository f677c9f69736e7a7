package dev.obd.cli;

import com.google.gson.JsonObject;
import dev.obd.cli.control.DaemonClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A machine with an overlaybd.json, and the daemon that serves it, which can be started again. */
final class GuestDaemon implements AutoCloseable {
  private final Path home;
  private final Path config;
  private @Nullable ObdProcess process;

  /**
   * Describes one.
   *
   * @param home of obd; the cache and the logs are there, too
   * @param more keys of overlaybd.json
   */
  GuestDaemon(Path home, JsonObject more) throws IOException {
    this.home = Files.createDirectories(home);
    this.config = home.resolve("overlaybd.json");
    var log = new JsonObject();
    log.addProperty("logLevel", 1);
    log.addProperty("logPath", log().toString());
    var cache = new JsonObject();
    cache.addProperty("cacheType", "file");
    cache.addProperty("cacheDir", home.resolve("registry_cache").toString());
    cache.addProperty("cacheSizeGB", 4);
    var all = more.deepCopy();
    all.addProperty("registryFsVersion", "v2");
    all.add("logConfig", log);
    all.add("cacheConfig", cache);
    all.addProperty("auditPath", home.resolve("audit.log").toString());
    Files.writeString(config, all.toString());
  }

  Path home() {
    return home;
  }

  Path log() {
    return home.resolve("overlaybd.log");
  }

  /** Starts it, and waits until it serves. */
  GuestDaemon start() throws IOException, InterruptedException {
    startOnly().awaitReady();
    return this;
  }

  /** Starts it. */
  ObdProcess startOnly() throws IOException {
    ObdProcess started = ObdProcess.start(home, "daemon", config.toString());
    process = started;
    return started;
  }

  ObdProcess process() {
    ObdProcess running = process;
    if (running == null) {
      throw new IllegalStateException("not started");
    }
    return running;
  }

  /** SIGTERM; it must end well. */
  void stop() throws IOException, InterruptedException {
    int status = process().stop();
    if (status != 0) {
      throw new AssertionError("exit " + status + "\n" + everything());
    }
    process = null;
  }

  /** SIGKILL. */
  void kill() throws InterruptedException {
    process().kill();
    process = null;
  }

  /** A command of obd about this daemon, run here. */
  Cli.Result obd(String... command) {
    return new Cli(home).run(command);
  }

  /**
   * A new device of the snapshotter's, an empty writable layer without anything below.
   *
   * @param id of the device, and of its directory beside this daemon's home
   * @return its node
   */
  Path makeWritable(String id, String size) throws IOException, InterruptedException {
    Path directory = Files.createDirectories(home.resolveSibling("device-" + id));
    var upper = new JsonObject();
    for (String part : List.of("data", "index")) {
      Path file = directory.resolve(part);
      Files.deleteIfExists(file);
      upper.addProperty(part, file.toString());
    }
    obd(
            "layer",
            "create",
            "--size",
            size,
            upper.get("data").getAsString(),
            upper.get("index").getAsString())
        .expectSuccess();
    var config = new JsonObject();
    config.add("upper", upper);
    return Snapshotter.attach(id, LayeredImage.write(directory, config));
  }

  /** What it serves, by the control API. */
  List<JsonObject> devices() throws IOException {
    try (var client = new DaemonClient(home.resolve("run/control.sock"))) {
      return client.get("/v1/devices").getAsJsonArray("devices").asList().stream()
          .map(device -> device.getAsJsonObject())
          .toList();
    }
  }

  /** All it has said, for whoever asks why. */
  String everything() throws IOException {
    var text = new StringBuilder();
    if (process != null) {
      text.append(process.out()).append(process.err());
    }
    if (Files.exists(log())) {
      text.append(Files.readString(log()));
    }
    return text.toString();
  }

  @Override
  public void close() {
    if (process != null) {
      process.close();
    }
  }
}
