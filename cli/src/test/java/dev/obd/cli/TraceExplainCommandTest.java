package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.Profile;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TraceExplainCommandTest {
  private TestHome home;
  private Cli cli;
  private FaultyRegistry registry;
  private String image;

  @BeforeEach
  void serve() throws IOException, InterruptedException {
    Tools.requireOnPath("qemu-io");
    TestDisk disk = TestDisk.get();
    home = new TestHome();
    cli = new Cli(home.resolve("obd"));
    registry = FaultyRegistry.start();
    Path layout = home.resolve("images");
    cli.ok("import", disk.raw().toString(), "oci:" + layout + ":app");
    registry.putLayout("test/app", layout);
    registry.profile(Profile.link(Duration.ofMillis(2), 0));
    image = registry.host() + "/test/app:app";
  }

  @AfterEach
  void clean() throws IOException {
    if (home != null) {
      home.close();
    }
    if (registry != null) {
      registry.close();
    }
  }

  /** A log of a start that reads two places of the disk. */
  private Path start(String name, String second) {
    Path log = home.resolve(name);
    String read = "qemu-io -r -f raw -c 'read 0 256k' -c 'read " + second + " 64k' \"$OBD_NBD\"";
    registry.clearLog();
    cli.ok(
        "record",
        image,
        "oci:" + home.resolve("out") + ":traced-" + name,
        "--time",
        "60s",
        "--start-log",
        log.toString(),
        "--",
        "sh",
        "-c",
        read);
    return log;
  }

  @Test
  void theBytesOfAllClassesAreThoseThatTheRegistrySent() throws IOException {
    Path log = start("a.log", "2M");
    long sent =
        registry.log().stream()
            .filter(LoggedRequest::isBlobRead)
            .filter(r -> r.range() != null)
            .mapToLong(LoggedRequest::bytesSent)
            .sum();
    JsonObject json =
        cli.ok("trace", "explain", log.toString(), "--image", image, "--json", "--unit", "16K")
            .json();
    assertThat(json.getAsJsonObject("wire").get("bytes").getAsLong()).isEqualTo(sent);
    long classes =
        json.getAsJsonObject("classes").asMap().values().stream()
            .mapToLong(n -> n.getAsLong())
            .sum();
    assertThat(classes).isEqualTo(sent);
    assertThat(json.getAsJsonObject("classes").get("missed").getAsLong()).isPositive();
    assertThat(json.getAsJsonObject("classes").get("useful").getAsLong()).isZero();
    assertThat(json.getAsJsonObject("time").get("reads").getAsLong()).isPositive();
    assertThat(json.getAsJsonArray("whatIf").size()).isEqualTo(4);

    Cli.Result text =
        cli.ok("trace", "explain", log.toString(), "--image", image, "--link", "25Mbit/60ms");
    assertThat(text.out().lines()).hasSizeBetween(8, 24).allMatch(line -> line.length() <= 100);
    assertThat(text.out()).contains("missed", "stalls", "other link, hot layer");
    System.out.println(text.out());
  }

  @Test
  void twoStartsDifferInWhatOnlyOneOfThemReads() {
    Path one = start("a.log", "2M");
    Path other = start("b.log", "5M");
    JsonObject json = cli.ok("trace", "diff", one.toString(), other.toString(), "--json").json();
    JsonObject reads = json.getAsJsonObject("reads");
    assertThat(reads.get("added").getAsLong()).isEqualTo(64 << 10);
    assertThat(reads.get("removed").getAsLong()).isEqualTo(64 << 10);
    assertThat(reads.get("common").getAsLong()).isGreaterThanOrEqualTo(64 << 10);
    assertThat(cli.ok("trace", "diff", one.toString(), other.toString()).out())
        .contains("added    64 KiB", "removed  64 KiB");
    String traces = "oci:" + home.resolve("out") + ":traced-";
    assertThat(cli.ok("trace", "diff", traces + "a.log", traces + "b.log").out()).contains("added");
    assertThat(cli.run("trace", "diff", one.toString(), traces + "a.log").expect(2).err())
        .contains("start log");
  }

  @Test
  void whatIsNoLogIsRefusedWithItsName() throws IOException {
    Path file = Files.writeString(home.resolve("x"), "hello");
    assertThat(cli.run("trace", "explain", file.toString()).expect(1).err()).contains("x line 1");
    assertThat(cli.run("trace", "explain", file.toString(), "--link", "fast").expect(2).err())
        .contains("25Mbit/60ms");
    assertThat(cli.run("trace", "explain", file.toString(), "--unit", "5000").expect(2).err())
        .contains("--unit");
    assertThat(cli.run("serve", image, "--nbd", "unix:x", "--start-log-time", "3s").expect(2).err())
        .contains("--start-log");
  }
}
