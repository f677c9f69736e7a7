package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Profile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code obd pull --uncompressed} and {@code obd init}. */
@Timeout(180)
class InitCommandTest {
  private TestHome home;
  private TestDisk disk;
  private FaultyRegistry registry;
  private String name;
  private long layerBytes;
  private Cli cli;

  @BeforeEach
  void push() throws IOException, InterruptedException {
    home = new TestHome();
    disk = TestDisk.get();
    registry = FaultyRegistry.start();
    name = registry.host() + "/vm:v2";
    Cli maker = new Cli(home.resolve("maker"));
    maker.ok("import", disk.raw().toString(), registry.host() + "/vm:v1");
    maker.ok("import", disk.raw2().toString(), name, "--base", registry.host() + "/vm:v1");
    JsonObject pushed = maker.ok("push", name, "--json").json();
    layerBytes = pushed.get("layerBytes").getAsLong();
    registry.clearLog();
    cli = new Cli(home.resolve("machine"));
  }

  @AfterEach
  void stop() throws IOException {
    if (registry != null) {
      registry.close();
    }
    home.close();
  }

  private long blobBytesSent() {
    return registry.log().stream()
        .filter(LoggedRequest::isBlobRead)
        .mapToLong(LoggedRequest::bytesSent)
        .sum();
  }

  /** Bytes on disk: holes do not count. */
  private long kept(String what) throws Exception {
    Path directory = cli.home().resolve(what);
    String text = Processes.run("du", "-s", "--block-size=1", directory.toString()).text();
    return Long.parseLong(text.split("\\s")[0]);
  }

  @Test
  void anImageIsUnpackedOnceAndCopiedWithoutTheRegistry() throws Exception {
    cli.ok("pull", "--uncompressed", name);
    assertThat(blobBytesSent()).isBetween(layerBytes, layerBytes + 20_000);
    assertThat(kept("store") + kept("cache")).as("no compressed copy").isLessThan(150_000);
    assertThat(kept("disks")).isLessThan(TestDisk.SIZE + 20_000);

    registry.down();
    Path a = home.resolve("a.raw");
    JsonObject made = cli.ok("init", name, a.toString(), "--json").json();
    assertThat(made.get("method").getAsString()).isIn("sparse-copy", "reflink");
    assertThat(Files.mismatch(a, disk.raw2())).isEqualTo(-1);
    JsonObject provenance =
        JsonParser.parseString(Files.readString(home.resolve("a.raw.obd.json"))).getAsJsonObject();
    assertThat(provenance.get("image").getAsString()).isEqualTo(name);
    assertThat(provenance.get("imageDigest")).isEqualTo(made.get("imageDigest"));

    Path b = home.resolve("b.raw");
    assertThat(cli.ok("init", name, b.toString(), "--size", "48M").out())
        .containsPattern(
            "b.raw: 48 MiB, (sparse copy|reflink) in \\d+ ms, of " + name + "@sha256:");
    byte[] larger = Arrays.copyOf(Files.readAllBytes(disk.raw2()), 48 << 20);
    assertThat(b).hasBinaryContent(larger);

    assertThat(cli.run("init", name, b.toString()).err()).contains("exists already");
    cli.ok("init", name, b.toString(), "--force");
    assertThat(Files.mismatch(b, disk.raw2())).isEqualTo(-1);
  }

  @Test
  void theDisksAreListedAndRemovedAndCopiesStay() throws IOException {
    assertThat(cli.ok("cache", "disks").out()).hasLineCount(1);
    Path a = home.resolve("a.raw");
    cli.ok("init", name, a.toString());
    JsonObject listed =
        cli.ok("cache", "disks", "--json").json().getAsJsonArray("disks").get(0).getAsJsonObject();
    assertThat(listed.get("image").getAsString()).isEqualTo(name);
    assertThat(listed.get("sizeBytes").getAsLong()).isEqualTo(TestDisk.SIZE);
    assertThat(listed.get("inUse").getAsBoolean()).isFalse();
    assertThat(cli.ok("cache", "disks", "--rm-older-than", "1h").out()).contains("freed 0 B");
    Cli.Result unknown = cli.run("cache", "disks", "--rm", "other:v1").expect(1);
    assertThat(unknown.err()).contains("other:v1: there is no disk of it");
    assertThat(cli.ok("cache", "disks", "--rm", name).out()).contains("removed").contains(name);
    assertThat(cli.ok("cache", "disks").out()).hasLineCount(1);
    assertThat(Files.mismatch(a, disk.raw2())).isEqualTo(-1);
  }

  @Test
  void initAloneDoesAllOfItAlsoFromALayout() throws IOException {
    Path a = home.resolve("a.raw");
    cli.ok("init", name, a.toString());
    assertThat(Files.mismatch(a, disk.raw2())).isEqualTo(-1);
    String layout = "oci:" + home.resolve("images") + ":v1";
    cli.ok("import", disk.raw().toString(), layout);
    Path b = home.resolve("b.raw");
    cli.ok("init", layout, b.toString());
    assertThat(Files.mismatch(b, disk.raw())).isEqualTo(-1);
  }

  @Test
  void killedWhileItFetchesItGoesOnAndLeavesNothingBehind() throws Exception {
    registry.profile(Profile.link(Duration.ofMillis(2), 2 << 20));
    String[] words = {"pull", "--uncompressed", name, "--streams", "2"};
    try (ObdProcess process = ObdProcess.start(cli.home(), words)) {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (blobBytesSent() < 4 << 20 && System.nanoTime() - end < 0) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
      process.kill();
    }
    registry.profile(Profile.INSTANT);
    cli.ok(words);
    assertThat(blobBytesSent()).isLessThan(layerBytes + (2 << 20) + 50_000);
    try (Stream<Path> files = Files.list(cli.home().resolve("disks"))) {
      assertThat(files).noneMatch(f -> f.toString().endsWith(".work"));
    }
    registry.down();
    Path a = home.resolve("a.raw");
    cli.ok("init", name, a.toString());
    assertThat(Files.mismatch(a, disk.raw2())).isEqualTo(-1);
  }

  @Test
  void twoProcessesAtOnceShareTheWork() throws Exception {
    registry.profile(Profile.link(Duration.ofMillis(2), 2 << 20));
    String[] a = {"init", name, home.resolve("a.raw").toString()};
    String[] b = {"init", name, home.resolve("b.raw").toString()};
    try (ObdProcess first = ObdProcess.start(cli.home(), a);
        ObdProcess second = ObdProcess.start(cli.home(), b)) {
      assertThat(first.await()).as(first.err()).isZero();
      assertThat(second.await()).as(second.err()).isZero();
      assertThat(first.err() + second.err()).contains("waiting for another process");
    }
    assertThat(blobBytesSent()).isLessThan(layerBytes + 50_000);
    assertThat(Files.mismatch(home.resolve("a.raw"), disk.raw2())).isEqualTo(-1);
    assertThat(Files.mismatch(home.resolve("b.raw"), disk.raw2())).isEqualTo(-1);
  }

  @Test
  void whatIsWrongWithTheUseIsSaid() {
    assertThat(cli.run("init", name).status()).isEqualTo(2);
    assertThat(cli.run("pull", "--data", "--uncompressed", name).status()).isEqualTo(2);
    Cli.Result small = cli.run("init", name, home.resolve("a").toString(), "--size", "1M");
    assertThat(small.status()).isEqualTo(2);
    assertThat(small.err()).contains("at least");
  }
}
