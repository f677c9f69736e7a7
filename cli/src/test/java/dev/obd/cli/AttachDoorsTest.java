package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.Contents;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code obd attach}, {@code ps} and {@code detach} by each door there is. */
@InGuest(memory = 3072, limitSeconds = 600)
class AttachDoorsTest {
  private static final long PATIENCE_MILLIS = 60_000;

  private static PushedImages images;
  private static GuestDaemon daemon;

  @BeforeAll
  static void start() throws IOException, InterruptedException {
    images = PushedImages.make(ProcessRegistry.with());
    daemon = new GuestDaemon(images.machine("doors"), new JsonObject()).start();
  }

  @AfterAll
  static void stop() throws IOException, InterruptedException {
    if (daemon != null) {
      daemon.stop();
    }
    if (images != null) {
      images.close();
    }
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    assertThat(daemon.devices()).isEmpty();
    assertThat(mounts()).doesNotContain(images.home.path().toString());
    assertThat(Snapshotter.left()).isEmpty();
  }

  private static String mounts() throws IOException {
    return Files.readString(Path.of("/proc/self/mounts"));
  }

  private static Path mountOf(String name) {
    return images.home.resolve("mnt-" + name);
  }

  private static Cli.Result attach(String name, String via, String... more) {
    var command =
        new ArrayList<>(
            List.of(
                "attach",
                images.v2(),
                "--via",
                via,
                "--name",
                name,
                "--mount",
                mountOf(name).toString()));
    command.addAll(List.of(more));
    return daemon.obd(command.toArray(String[]::new)).expectSuccess();
  }

  /** A process that stands in a directory. */
  private static Process standIn(Path directory) throws IOException {
    return new ProcessBuilder("sleep", "600").directory(directory.toFile()).start();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tcmu", "nbd", "fuse"})
  void aDoorServesTheFilesAndIsShutAgain(String door) throws Exception {
    JsonObject device = attach("ro", door, "--json").json();
    Path mount = mountOf("ro");
    assertThat(device.get("via").getAsString()).isEqualTo(door);
    assertThat(device.get("state").getAsString()).isEqualTo("serving");
    Path node = Path.of(device.get("node").getAsString());
    assertThat(node).exists();
    TestDisk.assertSameTree(images.disk.tree2(), mount);
    assertThat(daemon.obd("ps").expectSuccess().out().lines().skip(1))
        .singleElement()
        .asString()
        .contains("ro", "serving", door, node.toString(), mount.toString(), images.v2());
    daemon.obd("detach", mount.toString()).expectSuccess();
    assertThat(mount).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tcmu", "nbd", "fuse"})
  void whatIsWrittenIsThereWhenItIsAttachedAgain(String door) throws Exception {
    Path upper = images.home.resolve("upper-" + door);
    Path mount = mountOf("rw");
    byte[] content = Contents.of("mix", 8, 1 << 20);
    attach("rw", door, "--rw", "--upper", upper.toString());
    Files.write(mount.resolve("fresh"), content);
    Files.delete(mount.resolve("new-1"));
    daemon.obd("detach", "rw").expectSuccess();
    attach("rw", door, "--rw", "--upper", upper.toString());
    assertThat(mount.resolve("fresh")).hasBinaryContent(content);
    assertThat(mount.resolve("new-1")).doesNotExist();
    assertThat(mount.resolve("new-2"))
        .hasBinaryContent(Files.readAllBytes(images.disk.tree2().resolve("new-2")));
    daemon.obd("detach", "rw").expectSuccess();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tcmu", "nbd", "fuse"})
  void whoUsesItIsToldUnlessItIsForced(String door) throws Exception {
    attach("busy", door);
    Path mount = mountOf("busy");
    Process user = standIn(mount.resolve("d0"));
    try {
      Cli.Result refused = daemon.obd("detach", "busy").expect(1);
      assertThat(refused.err()).contains("sleep (pid " + user.pid() + ")").contains("force");
      assertThat(daemon.obd("status", "busy").expectSuccess().out()).contains("serving");
      TestDisk.assertSameTree(images.disk.tree2(), mount);
      daemon.obd("detach", "busy", "--force").expectSuccess();
      assertThat(mounts()).doesNotContain(mount.toString());
    } finally {
      user.destroyForcibly().waitFor();
    }
  }

  @Test
  void autoTakesTheBestDoorAndSaysWhyNoBetterOne() throws Exception {
    assertThat(attach("auto", "auto").out())
        .containsPattern("via +tcmu")
        .doesNotContain("not tcmu");
    daemon.obd("detach", "auto").expectSuccess();
    Path home = images.machine("without");
    try (ObdProcess without = ObdProcess.start(home, "daemon", "--no-tcmu")) {
      without.awaitReady();
      Cli cli = new Cli(home);
      assertThat(cli.ok("attach", images.v1(), "--name", "auto").out())
          .containsPattern("via +nbd")
          .containsPattern("not tcmu +\\S+")
          .containsPattern("not ublk +\\S+")
          .doesNotContain("not fuse");
      assertThat(cli.run("attach", images.v1(), "--via", "tcmu").expect(1).err())
          .contains("tcmu: ");
      cli.ok("detach", "auto");
      assertThat(without.stop()).as(without.err()).isZero();
    }
  }

  private static JsonObject await(String id, Predicate<String> state) throws Exception {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
    while (true) {
      JsonObject device =
          daemon.devices().stream()
              .filter(d -> d.get("id").getAsString().equals(id))
              .findFirst()
              .orElseThrow();
      if (state.test(device.get("state").getAsString())) {
        return device;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError(device + "\n" + daemon.everything());
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  @Test
  void afterAKillTheKernelsDevicesGoOnAndTheRestIsCleared() throws Exception {
    for (String door : List.of("tcmu", "nbd", "fuse")) {
      attach(door, door);
    }
    daemon.kill();
    daemon.start();
    for (String door : List.of("tcmu", "nbd")) {
      await(door, "serving"::equals);
      Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "3");
      TestDisk.assertSameTree(images.disk.tree2(), mountOf(door));
    }
    assertThat(await("fuse", "lost"::equals).get("reason").getAsString()).contains("process ended");
    assertThat(daemon.obd("ps").expectSuccess().out()).containsPattern("fuse +lost +fuse");
    Cli.Result cleared = daemon.obd("detach", "--stale").expectSuccess();
    assertThat(cleared.out()).contains("attachment fuse").doesNotContain("failed");
    assertThat(daemon.devices()).hasSize(2);
    assertThat(mounts()).doesNotContain(mountOf("fuse").toString());
    daemon.obd("detach", "tcmu", "nbd").expectSuccess();
  }

  @Test
  void whatAKillLeftIsClearedByACommandThatFindsNoDaemon() throws Exception {
    attach("left", "fuse");
    daemon.kill();
    assertThat(daemon.obd("detach", "--stale").expectSuccess().out()).contains("attachment left");
    assertThat(mounts()).doesNotContain(mountOf("left").toString());
    assertThat(mountOf("left")).doesNotExist();
    long onDemand = daemon.obd("status", "--json").json().get("pid").getAsLong();
    ProcessHandle started = ProcessHandle.of(onDemand).orElseThrow();
    started.destroy();
    started.onExit().get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
    daemon.start();
  }
}
