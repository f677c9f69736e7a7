package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.testdata.Golden;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Devices that stay: a daemon in the background, without any kernel module. */
@Timeout(300)
class DaemonEndToEndTest {
  private static PushedImages images;

  @BeforeAll
  static void push() throws IOException, InterruptedException {
    images = PushedImages.make(ProcessRegistry.with());
    PushedImages.assumeMountable(images.home.path());
  }

  @AfterAll
  static void stop() throws IOException {
    if (images != null) {
      images.close();
    }
  }

  private static JsonArray devices(Cli cli) {
    return cli.ok("ps", "--json").json().getAsJsonArray("devices");
  }

  private static long pid(Cli cli) {
    return cli.run("status", "--json").json().get("pid").getAsLong();
  }

  private static void end(long pid, Path home) throws Exception {
    ProcessHandle daemon = ProcessHandle.of(pid).orElseThrow();
    daemon.destroy();
    daemon.onExit().get(60, TimeUnit.SECONDS);
    assertThat(home.resolve("run/control.sock")).doesNotExist();
  }

  @Test
  void anAttachedImageIsThereUntilItIsDetachedAndWhatIsReadOfItCanBeRecorded() throws Exception {
    Path home = images.machine("laptop");
    Cli cli = new Cli(home);
    Path mount = images.home.resolve("laptop-mnt");
    JsonObject device =
        cli.ok("attach", images.v2(), "--mount", mount + "", "--name", "app", "--json").json();
    assertThat(device.get("state").getAsString()).isEqualTo("serving");
    assertThat(device.get("via").getAsString()).isEqualTo("fuse");
    long daemon = pid(cli);
    try {
      Cli elsewhere = new Cli(home);
      var recorded = new Cli.Result[1];
      var recorder =
          new Thread(() ->
              recorded[0] =
                  elsewhere.run(
                      "record", "--device", mount + "", "--time", "4s", "traced", "--json"));
      recorder.start();
      awaitRecording(home);
      TestDisk.assertSameTree(images.disk.tree2(), mount);
      recorder.join();
      recorded[0].expectSuccess();
      assertThat(recorded[0].json().get("traceRecords").getAsInt()).isPositive();
      assertThat(recorded[0].json().get("endedBy").getAsString()).isEqualTo("time");
      cli.ok("ls");

      assertThat(devices(cli)).hasSize(1);
      assertThat(cli.ok("status").out()).contains("door fuse").contains("1 serving");
      assertThat(cli.ok("status", "app").out()).contains("from registries");
      assertThat(metrics(home)).contains("obd_device_bytes_total{device=\"app\",op=\"read\"}");
      assertThat(cli.run("attach", images.v2(), "--name", "app").status()).isEqualTo(1);

      cli.ok("detach", mount + "");
      assertThat(mount).doesNotExist();
      assertThat(devices(cli)).isEmpty();
      assertThat(metrics(home)).doesNotContain("device=\"app\"");
    } finally {
      end(daemon, home);
    }
  }

  /** Commands in this process share where OBD_HOME is: another one is asked over the socket. */
  private static void awaitRecording(Path home) throws Exception {
    for (int i = 0; i < 400; i++) {
      if (curl(home, "http://obd/v1/devices/app").contains("\"recording\"")) {
        return;
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
    throw new AssertionError("no recording began");
  }

  private static String curl(Path home, String... arguments) throws Exception {
    Tools.requireOnPath("curl");
    List<String> command =
        new java.util.ArrayList<>(
            List.of("curl", "-sS", "--unix-socket", home.resolve("run/control.sock") + ""));
    command.addAll(List.of(arguments));
    return Processes.run(command.toArray(String[]::new)).text();
  }

  private static String metrics(Path home) throws Exception {
    return curl(home, "http://obd/v1/metrics");
  }

  @Test
  void whatADaemonThatWasKilledLeavesBehindIsClearedAndTheNextOneServes() throws Exception {
    Path home = images.machine("crash");
    Cli cli = new Cli(home);
    Path mount = images.home.resolve("crash-mnt");
    try (ObdProcess first = ObdProcess.start(home, "daemon", "--no-tcmu")) {
      first.awaitReady();
      cli.ok("attach", images.v1(), "--mount", mount + "", "--name", "left");
      assertThat(first.out().lines().filter(line -> line.contains("ready"))).hasSize(1);
      try (ObdProcess second = ObdProcess.start(home, "daemon", "--no-tcmu")) {
        assertThat(second.await()).as(second.err()).isEqualTo(3);
      }
      first.kill();
    }
    assertThat(devices(cli)).as("nobody serves").isEmpty();
    try (ObdProcess next = ObdProcess.start(home, "daemon", "--no-tcmu")) {
      next.awaitReady();
      Cli.Result status = cli.run("status");
      assertThat(status.status()).as(status.out()).isEqualTo(1);
      assertThat(status.out()).contains("lost");
      assertThat(cli.ok("detach", "--stale").out()).contains("left");
      cli.ok("status");
      assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(mount + "");
      cli.ok("attach", images.v1(), "--mount", mount + "", "--name", "left");
      TestDisk.assertSameTree(images.disk.tree(), mount);
      cli.ok("detach", "left");
      assertThat(next.stop()).as(next.err()).isZero();
    }
  }

  @Test
  void overlaybdsConfigurationIsHonouredAndNothingSecretIsLogged() throws Exception {
    try (ProcessRegistry registry = ProcessRegistry.with().basicAuth().start();
        TestHome home = new TestHome()) {
      String name = registry.host() + "/secret/app:v1";
      Path credentials = home.resolve("cred.json");
      Files.writeString(
          credentials,
          "{\"auths\":{\"%s\":{\"username\":\"%s\",\"password\":\"%s\"}}}"
              .formatted(registry.host(), ProcessRegistry.USER, ProcessRegistry.PASSWORD));
      new Cli(home.resolve("maker")).ok("import", images.disk.raw() + "", name);
      new Cli(home.resolve("maker")).ok("push", "--credentials", credentials + "", name);
      int metricsPort = freePort();
      int snapshotPort = freePort();
      Path config =
          Files.writeString(
              home.resolve("overlaybd.json"),
              """
              {"logConfig": {"logLevel": 0, "logPath": "%1$s/log/obd.log"},
               "enableAudit": true, "auditPath": "%1$s/log/audit.log",
               "cacheConfig": {"cacheType": "file", "cacheDir": "%1$s/cache", "cacheSizeGB": 1},
               "credentialConfig": {"mode": "file", "path": "%2$s"},
               "exporterConfig": {"enable": true, "uriPrefix": "/m", "port": %3$d},
               "serviceConfig": {"enable": true, "address": "http://127.0.0.1:%4$d"}}
              """
                  .formatted(home.path(), credentials, metricsPort, snapshotPort));
      Cli cli = new Cli(home.path());
      Path mount = home.resolve("mnt");
      try (ObdProcess daemon =
          ObdProcess.start(home.path(), "daemon", "--no-tcmu", config.toString())) {
        daemon.awaitReady();
        cli.ok("attach", name, "--mount", mount + "", "--name", "app");
        TestDisk.assertSameTree(images.disk.tree(), mount);
        String metrics = get("http://127.0.0.1:" + metricsPort + "/m", 200);
        assertThat(metrics).contains("OverlayBD_Alive{node=");
        everyMetricThatDocumentsNameIsThere(metrics);
        assertThat(get("http://127.0.0.1:" + metricsPort + "/v1/status", 404)).contains("error");
        String snapshots = "http://127.0.0.1:" + snapshotPort + "/snapshot";
        assertThat(get(snapshots + "?dev_id=x", 400))
            .contains("Missing dev_id or config in snapshot request");
        assertThat(get(snapshots + "?dev_id=x&config=/y", 404)).contains("Image file not found");
        assertThat(cli.ok("log-level").out().strip()).isEqualTo("debug");
        assertThat(cli.ok("log-level", "info").out().strip()).isEqualTo("info");
        assertThat(cli.run("log-level", "loud").status()).isEqualTo(2);
        cli.ok("detach", "app");
        assertThat(daemon.stop()).as(daemon.err()).isZero();
        assertThat(daemon.out().lines()).hasSize(1);
      }
      String log = Files.readString(home.resolve("log/obd.log"));
      String audit = Files.readString(home.resolve("log/audit.log"));
      assertThat(log).contains("daemon.starting").contains("daemon.stopped");
      assertThat(audit.lines().findFirst().orElseThrow())
          .matches(
              "\\S+ \\S+\\|AUDIT\\|th=[0-9A-F]{16}\\|download\\[pathname=/\\S+]\\[offset=\\d+]"
                  + "\\[size=\\d+]\\[latency=\\d+]");
      String basic =
          java.util.Base64.getEncoder()
              .encodeToString(
                  (ProcessRegistry.USER + ":" + ProcessRegistry.PASSWORD)
                      .getBytes(StandardCharsets.UTF_8));
      assertThat(log + audit).doesNotContain(ProcessRegistry.PASSWORD).doesNotContain(basic);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static String get(String url, int status) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
    assertThat(connection.getResponseCode()).isEqualTo(status);
    try (InputStream in =
        status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void everyMetricThatDocumentsNameIsThere(String metrics) throws IOException {
    Set<String> there =
        metrics
            .lines()
            .filter(line -> !line.startsWith("#"))
            .map(line -> line.replaceFirst("[{ ].*", ""))
            .collect(Collectors.toSet());
    Set<String> named = new TreeSet<>();
    Path docs = Golden.repository().resolve("docs/grafana");
    JsonObject dashboard =
        JsonParser.parseString(Files.readString(docs.resolve("obd.json"))).getAsJsonObject();
    for (JsonElement panel : dashboard.getAsJsonArray("panels")) {
      for (JsonElement target : panel.getAsJsonObject().getAsJsonArray("targets")) {
        addMetrics(named, target.getAsJsonObject().get("expr").getAsString());
      }
    }
    Files.readAllLines(docs.resolve("alerts.yml")).stream()
        .filter(line -> !line.contains("summary:") && !line.contains("description:"))
        .forEach(line -> addMetrics(named, line));
    named.remove("jvm_gc_pause_seconds_sum"); // comes with the first collection
    assertThat(named).hasSizeGreaterThan(20);
    assertThat(there).containsAll(named);
  }

  private static void addMetrics(Set<String> named, String expression) {
    Matcher metric = Pattern.compile("\\b(?:obd|jvm|OverlayBD)_\\w+").matcher(expression);
    while (metric.find()) {
      named.add(metric.group());
    }
  }

  @Test
  void theAlertRulesAreRules() throws Exception {
    Tools.requireOnPath("promtool");
    Processes.run(
            "promtool",
            "check",
            "rules",
            Golden.repository().resolve("docs/grafana/alerts.yml").toString())
        .expectSuccess();
  }
}
