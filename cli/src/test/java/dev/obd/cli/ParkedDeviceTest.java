package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.Processes;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Devices whose images a daemon that is started again cannot open, because the registry is away.
 */
@InGuest(memory = 3072)
class ParkedDeviceTest {
  private static final long PATIENCE_MILLIS = 60_000;

  /** Well below the time for which requests of a device that is parked are held. */
  private static final Duration AT_ONCE = Duration.ofSeconds(30);

  private static LayeredImage image;
  private static GuestDaemon daemon;
  private Path mount;
  private Path attached;
  private Path configured;
  private Path local;

  @BeforeAll
  static void start() throws IOException, InterruptedException {
    image = LayeredImage.make(ProcessRegistry.with());
    var own = new JsonObject();
    own.addProperty("stallLimitSeconds", 3); // how long an image takes to fail
    var config = new JsonObject();
    config.add("obd", own);
    daemon = new GuestDaemon(image.home.resolve("daemon"), config).start();
  }

  @AfterAll
  static void stop() throws IOException {
    if (daemon != null) {
      daemon.close();
    }
    if (image != null) {
      image.close();
    }
  }

  /** An attached device, one of the snapshotter's, and one that needs no registry. */
  @BeforeEach
  void makeDevices() throws IOException, InterruptedException {
    mount = image.home.resolve("mnt");
    attached =
        Path.of(
            daemon
                .obd(
                    "attach",
                    image.reference(),
                    "--via",
                    "tcmu",
                    "--name",
                    "app",
                    "--mount",
                    mount.toString(),
                    "--json")
                .expectSuccess()
                .json()
                .get("node")
                .getAsString());
    Path directory = image.home.resolve("snapshot");
    configured =
        Snapshotter.attach("remote", LayeredImage.write(directory, image.config(directory)));
    local = daemon.makeWritable("local", "16M");
  }

  @AfterEach
  void removeDevices() throws IOException, InterruptedException {
    Snapshotter.detach("local");
    assertThat(Snapshotter.left()).isEmpty();
    assertThat(daemon.devices()).isEmpty();
  }

  /** The daemon begins anew while the registry is away, and with nothing in its cache. */
  private static void restartWithoutRegistry() throws Exception {
    daemon.stop();
    image.registry.stop();
    Processes.run("rm", "-r", daemon.home().resolve("registry_cache").toString());
    daemon.start();
  }

  private static JsonObject awaitDevice(String id, Predicate<JsonObject> wanted) throws Exception {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
    while (true) {
      JsonObject device =
          daemon.devices().stream()
              .filter(d -> d.get("id").getAsString().equals(id))
              .findFirst()
              .orElseThrow();
      if (wanted.test(device)) {
        return device;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError(device + "\n" + daemon.everything());
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private static String state(JsonObject device) {
    return device.get("state").getAsString();
  }

  private static boolean isParked(JsonObject device) {
    return state(device).equals("parked");
  }

  private String configuredId() {
    return image.home.resolve("snapshot/config.v1.json").toString();
  }

  /** In a process of its own: what waits for a device cannot be interrupted. */
  private static Process reading(Path node) throws IOException {
    return new ProcessBuilder("cmp", node.toString(), image.raw.toString())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  @Test
  void areParkedWithTheReasonWhileOthersServeAndServedOnceTheirRegistryIsBack() throws Exception {
    restartWithoutRegistry();
    for (String id : List.of("app", configuredId())) {
      JsonObject parked = awaitDevice(id, ParkedDeviceTest::isParked);
      assertThat(parked.get("reason").getAsString()).contains(image.registry.host());
    }
    Process reader = reading(attached);
    try (var probe = new DiskProbe(local, 0, 64)) {
      JsonObject again = awaitDevice("app", d -> isParked(d) && d.get("tries").getAsInt() > 1);
      probe.awaitRounds(PATIENCE_MILLIS);
      assertThat(probe.takeWorstMillis()).isLessThan(PATIENCE_MILLIS / 10);
      Cli.Result status = daemon.obd("status");
      assertThat(status.status()).isEqualTo(1);
      assertThat(status.out())
          .contains("1 serving")
          .contains("2 parked")
          .contains("app: " + again.get("reason").getAsString());
      JsonObject listed = daemon.obd("status", "--json").expect(1).json();
      assertThat(listed.getAsJsonArray("parked")).hasSize(2);
      assertThat(daemon.obd("ps").expectSuccess().out().lines().filter(l -> l.contains("parked")))
          .hasSize(2)
          .anyMatch(line -> line.contains(attached.toString()))
          .anyMatch(line -> line.contains(configured.toString()));
      assertThat(daemon.obd("status", "app").expect(1).out()).contains("because");
    }
    assertThat(reader.isAlive()).isTrue();

    long began = System.nanoTime();
    daemon.stop();
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(AT_ONCE);
    daemon.start();
    awaitDevice("app", ParkedDeviceTest::isParked);

    image.registry.restart();
    awaitDevice("app", d -> state(d).equals("serving"));
    awaitDevice(configuredId(), d -> state(d).equals("serving"));
    assertThat(reader.waitFor(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)).isTrue();
    assertThat(reader.exitValue()).as("what was read while it was parked, by two daemons").isZero();
    TestDisk.assertSame(image.raw, configured);
    TestDisk.assertSameTree(image.tree, mount);
    daemon.obd("status").expectSuccess();
    daemon.obd("detach", "app").expectSuccess();
    Snapshotter.detach("remote");
  }

  @Test
  void canBeDetachedWhileTheyAreParkedAndSomebodyWaitsForThem() throws Exception {
    restartWithoutRegistry();
    try {
      awaitDevice("app", ParkedDeviceTest::isParked);
      awaitDevice(configuredId(), ParkedDeviceTest::isParked);
      Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "3");
      Process reader =
          new ProcessBuilder("cat", mount.resolve("data/d1/f1").toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      TimeUnit.MILLISECONDS.sleep(500);
      assertThat(reader.isAlive()).isTrue();
      long began = System.nanoTime();
      assertThat(daemon.obd("detach", "app").expect(1).err()).contains(mount.toString());
      assertThat(Files.readString(Path.of("/proc/self/mounts"))).contains(mount.toString());
      daemon.obd("detach", "app", "--force").expectSuccess();
      Snapshotter.detach("remote");
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(AT_ONCE);
      assertThat(reader.waitFor(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)).isTrue();
      assertThat(reader.exitValue()).isNotZero();
      assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(mount.toString());
    } finally {
      image.registry.restart();
    }
  }
}
