package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.trace.Access;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code obd status} says of a device: how much of it is here, and what holds it up. */
@Timeout(180)
class StatusCommandTest {
  private TestHome home;
  private TestDisk disk;
  private FaultyRegistry registry;
  private String name;
  private Cli cli;

  @BeforeEach
  void attach() throws Exception {
    home = new TestHome();
    PushedImages.assumeMountable(home.path());
    disk = TestDisk.get();
    registry = FaultyRegistry.start();
    name = registry.host() + "/app:traced";
    Cli maker = new Cli(home.resolve("maker"));
    maker.ok("import", disk.raw().toString(), registry.host() + "/app:v1");
    Path trace =
        Files.write(
            home.resolve("trace"),
            TraceFile.encode(List.of(new Access(0, 0, 8192), new Access(0, 3 << 20, 500_000))));
    maker.ok("commit", "--trace", trace.toString(), registry.host() + "/app:v1", name);
    maker.ok("push", name);
    cli = new Cli(home.resolve("machine"));
    cli.ok("attach", name, "--via", "fuse", "--name", "app");
  }

  @AfterEach
  void stop() throws Exception {
    if (registry != null) {
      registry.up();
      Cli.Result status = cli.run("status", "--json");
      cli.run("detach", "app", "--force");
      if (status.status() == 0) {
        ProcessHandle daemon = ProcessHandle.of(status.json().get("pid").getAsLong()).orElseThrow();
        daemon.destroy();
        daemon.onExit().get(60, TimeUnit.SECONDS);
      }
      registry.close();
    }
    home.close();
  }

  private JsonObject live() {
    return cli.run("status", "app", "--json").json().getAsJsonObject("live");
  }

  private JsonObject await(Predicate<JsonObject> wanted) throws InterruptedException {
    for (int i = 0; i < 600; i++) {
      JsonObject live = live();
      if (wanted.test(live)) {
        return live;
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
    throw new AssertionError("never so: " + live());
  }

  private static boolean isReplayed(JsonObject live) {
    return live.getAsJsonObject("replay").get("state").getAsString().equals("done");
  }

  @Test
  void itSaysHowMuchIsHereWhoeverBroughtItAndWhetherAnOutageMatters() throws Exception {
    JsonObject local = await(StatusCommandTest::isReplayed).getAsJsonObject("local");
    JsonObject workingSet = local.getAsJsonObject("workingSet");
    assertThat(workingSet.get("percent").getAsInt()).isEqualTo(100);
    assertThat(workingSet.get("bytes").getAsLong()).isBetween(64L << 10, 1L << 20);
    assertThat(local.get("percent").getAsInt()).isBetween(1, 90);
    assertThat(local.get("outageSafe").getAsBoolean()).isFalse();
    assertThat(cli.ok("status", "app").out())
        .contains("for what was recorded; ")
        .contains("'obd fetch' brings them");

    cli.ok("fetch", name); // another process than the daemon, through the same directory
    JsonObject whole = live().getAsJsonObject("local");
    assertThat(whole.get("percent").getAsInt()).isEqualTo(100);
    assertThat(whole.get("localBytes")).isEqualTo(whole.get("bytes"));
    assertThat(whole.get("outageSafe").getAsBoolean()).isTrue();
    assertThat(cli.ok("status").out())
        .contains("app  100 % on this machine, 100 % of the working set, outage-safe");

    registry.down();
    Path node = Path.of(cli.ok("status", "app", "--json").json().get("node").getAsString());
    assertThat(Files.mismatch(node, disk.raw()))
        .as("the open device needs it no more")
        .isEqualTo(-1);
  }

  @Test
  void itSaysWhoWaitsAndForWhat() throws Exception {
    JsonObject before = await(StatusCommandTest::isReplayed);
    assertThat(before.has("waiting")).isFalse();
    Path node = Path.of(cli.ok("status", "app", "--json").json().get("node").getAsString());
    registry.down();
    var read = new CompletableFuture<Long>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            read.complete(Files.mismatch(node, disk.raw()));
          } catch (IOException e) {
            read.completeExceptionally(e);
          }
        });
    JsonObject waits = await(live -> live.has("waiting") && live.has("stall"));
    assertThat(waits.getAsJsonObject("waiting").get("reads").getAsInt()).isPositive();
    assertThat(waits.getAsJsonArray("slowBecause").get(0).getAsString())
        .startsWith(registry.host() + " does not answer as it should")
        .contains("reads wait");
    assertThat(cli.run("status", "app").out())
        .contains("waiting")
        .contains("slow because")
        .contains(registry.host());
    registry.up();
    assertThat(read.get(60, TimeUnit.SECONDS)).isEqualTo(-1);
    assertThat(await(live -> !live.has("waiting")).has("stall")).isFalse();
  }
}
