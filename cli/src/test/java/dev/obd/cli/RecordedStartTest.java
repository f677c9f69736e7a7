package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.Processes;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What the start of a container reads of a SCSI disk is recorded for ten seconds, travels with the
 * image through a registry, and is there before another machine asks for it.
 */
@InGuest(memory = 3072)
class RecordedStartTest {
  private static final long PATIENCE_MILLIS = 60_000;
  private static final String RECORD_TIME = "10s";

  /** A shell of the image's own, which starts programs of the image and reads its files. */
  private static final String START =
      "for f in /data/d1/* /data/d3/* /new-2-0 /new-5-1; do /bin/cat $f; done; exec /bin/true";

  private static LayeredImage image;

  @BeforeAll
  static void make() throws IOException, InterruptedException {
    image = LayeredImage.make(ProcessRegistry.with());
  }

  @AfterAll
  static void remove() throws IOException {
    if (image != null) {
      image.close();
    }
  }

  /** Runs the container's program; returns what it prints. */
  private static byte[] start(Path root) throws IOException, InterruptedException {
    return Processes.run("chroot", root.toString(), "/bin/dash", "-c", START).output();
  }

  private static JsonObject device(GuestDaemon daemon) throws IOException {
    return daemon.devices().stream().findFirst().orElseThrow();
  }

  private static JsonObject await(GuestDaemon daemon, Predicate<JsonObject> wanted)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
    while (true) {
      JsonObject live = device(daemon).getAsJsonObject("live");
      if (wanted.test(live)) {
        return live;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError(live + "\n" + daemon.everything());
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  /** Reads of the image's layers, of which the trace's is none. */
  private static List<LoggedRequest> dataReads() throws IOException {
    List<String> digests =
        image.layers().stream().map(layer -> layer.get("digest").getAsString()).toList();
    return image.registry.log().stream()
        .filter(LoggedRequest::isBlobRead)
        .filter(r -> digests.stream().anyMatch(r.path()::contains))
        .toList();
  }

  private static long hits(GuestDaemon daemon) {
    JsonObject cache = daemon.obd("status", "--json").json().getAsJsonObject("cache");
    return cache.get("hits").getAsLong();
  }

  @Test
  void theReadsOfARecordedStartAreHitsOnAMachineThatHasNothingYet() throws Exception {
    byte[] expected = start(image.tree);
    String traced = image.registry.host() + "/test/app:traced";
    Path mount = image.home.resolve("mnt");
    JsonObject recorded = record(traced, mount, expected);
    int records = recorded.get("traceRecords").getAsInt();
    assertThat(recorded.get("endedBy").getAsString()).isEqualTo("time");
    assertThat(records).isGreaterThan(20);

    image.registry.clearLog();
    Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "3");
    try (var cold = new GuestDaemon(image.home.resolve("cold"), new JsonObject()).start()) {
      attach(cold, traced, mount);
      JsonObject live =
          await(cold, l -> l.getAsJsonObject("replay").get("state").getAsString().equals("done"));
      JsonObject replay = live.getAsJsonObject("replay");
      assertThat(replay.get("records").getAsInt()).isPositive();
      assertThat(replay.get("failed").getAsInt()).isZero();
      assertThat(replay.get("requests").getAsInt()).isBetween(1, records / 3);
      long remote = live.getAsJsonObject("remote").get("reads").getAsLong();
      long hits = hits(cold);
      List<LoggedRequest> replayed = dataReads();

      assertThat(start(mount)).isEqualTo(expected);

      assertThat(dataReads()).as("the start asks the registry for nothing").hasSameSizeAs(replayed);
      JsonObject after = device(cold).getAsJsonObject("live");
      assertThat(after.getAsJsonObject("remote").get("reads").getAsLong()).isEqualTo(remote);
      long reads =
          after.getAsJsonObject("requests").getAsJsonObject("read").get("count").getAsLong();
      assertThat(hits(cold) - hits).as("of %d reads, found in the cache", reads).isGreaterThan(20);
      System.out.printf(
          "%d records, replayed in %s requests; the start was %d hits%n",
          records, replay.get("requests"), hits(cold) - hits);
      TestDisk.assertSameTree(image.tree, mount);
      cold.obd("detach", "app").expectSuccess();
      cold.stop();
    }
  }

  private static void attach(GuestDaemon daemon, String source, Path mount) {
    daemon
        .obd(
            "attach",
            source,
            "--via",
            "tcmu",
            "--name",
            "app",
            "--mount",
            mount.toString(),
            "--json")
        .expectSuccess();
  }

  /** Records a start, and pushes the image with the recording. */
  private static JsonObject record(String traced, Path mount, byte[] expected) throws Exception {
    try (var daemon = new GuestDaemon(image.home.resolve("recorder"), new JsonObject()).start()) {
      attach(daemon, image.reference(), mount);
      Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "3");
      var result = new Cli.Result[1];
      var recorder =
          Thread.ofPlatform()
              .start(() ->
                  result[0] =
                      daemon.obd(
                          "record", "--device", "app", "--time", RECORD_TIME, traced, "--json"));
      await(daemon, live -> live.has("recording"));
      assertThat(start(mount)).isEqualTo(expected);
      assertThat(device(daemon).getAsJsonObject("live").has("recording")).isTrue();
      recorder.join();
      daemon.obd("detach", "app").expectSuccess();
      daemon.obd("push", traced).expectSuccess();
      daemon.stop();
      return result[0].expectSuccess().json();
    }
  }
}
