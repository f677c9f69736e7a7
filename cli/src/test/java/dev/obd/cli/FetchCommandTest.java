package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.Profile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code obd fetch} and {@code obd pull --data} against a registry that can be slow and lie. */
@Timeout(180)
class FetchCommandTest {
  /** Two streams' ranges, which a killed process had under way, and what is no layer. */
  private static final long LOST = (2 << 20) + 50_000;

  private static final int LARGE = 48 << 20;

  private TestHome home;
  private TestDisk disk;
  private FaultyRegistry registry;
  private String name;
  private Cli cli;

  @BeforeEach
  void push() throws IOException, InterruptedException {
    home = new TestHome();
    disk = TestDisk.get();
    registry = FaultyRegistry.start();
    name = registry.host() + "/app:v2";
    Cli maker = new Cli(home.resolve("maker"));
    maker.ok("import", disk.raw().toString(), registry.host() + "/app:v1");
    maker.ok("import", disk.raw2().toString(), name, "--base", registry.host() + "/app:v1");
    maker.ok("push", name);
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

  private long layerBytes() {
    JsonObject last =
        new Cli(home.resolve("maker"))
            .ok("ls", "--json")
            .json()
            .getAsJsonArray("images")
            .get(1)
            .getAsJsonObject();
    return last.get("layerBytes").getAsLong();
  }

  private long blobBytesSent() {
    return registry.log().stream()
        .filter(LoggedRequest::isBlobRead)
        .mapToLong(LoggedRequest::bytesSent)
        .sum();
  }

  private void isWhole(String source) throws IOException {
    Path raw = home.resolve("exported");
    cli.ok("export", source, "-o", raw.toString());
    assertThat(Files.mismatch(raw, disk.raw2())).isEqualTo(-1);
  }

  @Test
  void afterwardsTheImageNeedsNoRegistry() throws IOException {
    JsonObject fetched = cli.ok("fetch", name, "--json").json();
    assertThat(fetched.get("layers").getAsInt()).isEqualTo(2);
    assertThat(fetched.get("fetchedBytes")).isEqualTo(fetched.get("bytes"));
    assertThat(blobBytesSent()).isLessThan(fetched.get("bytes").getAsLong() + 20_000);
    registry.clearLog();
    assertThat(cli.ok("fetch", name).out())
        .contains("2 layers here and verified; nothing to fetch");
    assertThat(registry.counters().bytesSent()).isZero();
    registry.down();
    isWhole(name);
  }

  @Test
  void itSaturatesTheLink() throws IOException {
    Path raw = Files.write(home.resolve("large.raw"), Contents.of("rand", 5, LARGE));
    String large = registry.host() + "/large:v1";
    Cli maker = new Cli(home.resolve("maker"));
    maker.ok("import", raw.toString(), large);
    maker.ok("push", large);
    registry.profile(Profile.WAN);
    JsonObject fetched = cli.ok("fetch", large, "--json").json();
    double ratio = fetched.get("bytesPerSecond").getAsDouble() / Profile.WAN.bytesPerSecond();
    System.out.printf(
        Locale.ROOT,
        "fetch: %.3f of the link, %d bytes in %.2f s%n",
        ratio,
        fetched.get("bytes").getAsLong(),
        fetched.get("seconds").getAsDouble());
    assertThat(ratio).as("a busy machine may cost much").isGreaterThan(0.5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"fetch", "pull --data"})
  void killedAtAnyPointItGoesOnWhereItEnded(String how) throws Exception {
    registry.profile(Profile.link(Duration.ofMillis(2), 2 << 20));
    String[] words = (how + " " + name + " --streams 2").split(" ");
    try (ObdProcess process = ObdProcess.start(cli.home(), words)) {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (blobBytesSent() < 4 << 20 && System.nanoTime() - end < 0) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
      process.kill();
      assertThat(blobBytesSent()).isGreaterThan(4 << 20);
    }
    registry.profile(Profile.INSTANT);
    cli.ok(words);
    assertThat(blobBytesSent()).isLessThan(layerBytes() + LOST);
    registry.down();
    isWhole(name);
  }

  @Test
  void aStopSaysHowFarItIsAndLosesNothing() throws Exception {
    registry.profile(Profile.link(Duration.ofMillis(2), 2 << 20));
    try (ObdProcess process = ObdProcess.start(cli.home(), "fetch", name)) {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (blobBytesSent() < 4 << 20 && System.nanoTime() - end < 0) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
      assertThat(process.stop()).isEqualTo(1);
      assertThat(process.err()).contains("interrupted: ").contains("goes on from there");
    }
    registry.profile(Profile.INSTANT);
    JsonObject rest = cli.ok("fetch", name, "--json").json();
    assertThat(rest.get("bytesHereBefore").getAsLong()).isGreaterThan(1 << 20);
  }

  @Test
  void layersInADirectoryAreAnOverlaybdImage() throws IOException {
    Path to = home.resolve("layers");
    JsonObject fetched = cli.ok("fetch", name, "--to", to.toString(), "--json").json();
    registry.down();
    String config = fetched.get("config").getAsString();
    assertThat(Path.of(config)).isEqualTo(to.resolve("config.v1.json"));
    try (var files = Files.walk(to)) {
      assertThat(files.filter(f -> f.endsWith("overlaybd.commit"))).hasSize(2);
    }
    cli = new Cli(home.resolve("third"));
    isWhole(config);
  }

  @Test
  void aLayerThatIsAFileOfThisMachineIsLookedThroughToo() throws IOException {
    cli.ok("pull", "--data", name);
    cli.ok("fetch", name);
    Path largest;
    try (var blobs = Files.list(cli.home().resolve("store/blobs/sha256"))) {
      largest =
          blobs.max(java.util.Comparator.comparingLong(b -> b.toFile().length())).orElseThrow();
    }
    byte[] bytes = Files.readAllBytes(largest);
    bytes[bytes.length / 2] ^= 1;
    Files.write(largest, bytes);
    for (String[] command : new String[][] {{"fetch", name}, {"pull", "--data", name}}) {
      assertThat(cli.run(command).expect(1).err())
          .contains("damaged", "delete blobs/sha256/" + largest.getFileName());
    }
    Files.delete(largest);
    cli.ok("pull", "--data", name);
    isWhole(name);
  }

  @Test
  void wrongBytesAreFetchedOnceMoreAndThenToldOf() {
    registry.fault(call -> call.isBlobRead() && call.range() != null, Fault.WrongBytes.ALL);
    Cli.Result result = cli.run("fetch", name);
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).contains("digest: expected sha256:").contains("twice");
    registry.clearFaults();
    cli.ok("fetch", name);
  }

  @Test
  void anImageThatTheCacheCannotHoldIsRefusedBeforeAnythingIsFetched() {
    Cli.Result result = cli.run("fetch", name, "--cache-size", "1M");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).contains("--cache-size").contains("--to");
    assertThat(blobBytesSent()).isLessThan(20_000);
  }

  @Test
  void whatIsWrongWithTheUseIsSaid() {
    assertThat(cli.run("fetch").status()).isEqualTo(2);
    assertThat(cli.run("fetch", name, "--streams", "0").status()).isEqualTo(2);
    assertThat(cli.run("fetch", name, "--rate", "fast").status()).isEqualTo(2);
  }
}
