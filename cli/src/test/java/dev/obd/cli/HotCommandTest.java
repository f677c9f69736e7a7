package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Hot layers of a real ext4 disk, made by the commands. */
class HotCommandTest {
  private static final String READ =
      "qemu-io -r -f raw -c 'read 9M 300k' -c 'read 0 200k' -c 'read 5M 1M' \"$OBD_NBD\"";

  private TestDisk disk;
  private TestHome home;
  private Cli cli;

  @BeforeEach
  void prepare() throws IOException, InterruptedException {
    Tools.requireOnPath("qemu-io");
    disk = TestDisk.get();
    home = new TestHome();
    cli = new Cli(home.resolve("obd"));
    cli.ok("import", disk.raw().toString(), image("v1"));
    cli.ok("import", disk.raw2().toString(), image("v2"), "--base", image("v1"));
  }

  @AfterEach
  void clean() throws IOException {
    if (home != null) {
      home.close();
    }
  }

  private String image(String tag) {
    return "oci:" + home.resolve("images") + ":" + tag;
  }

  private JsonArray layers(String tag) {
    return cli.ok("inspect", "--json", image(tag)).json().getAsJsonArray("layers");
  }

  /** The disk is the one it was made of, to us and to e2fsprogs. */
  private void requireDisk(String tag) throws IOException, InterruptedException {
    Path raw = home.resolve(tag + ".raw");
    cli.ok("export", image(tag), "-o", raw.toString());
    TestDisk.assertSame(disk.raw2(), raw);
    Tools.requireOnPath("e2fsck");
    Processes.run("e2fsck", "-fn", raw.toString());
  }

  @Test
  void oneRecordingMakesTheHotLayerAndTheTrace() throws IOException, InterruptedException {
    JsonObject made =
        cli.ok(
                "record",
                "--hot",
                "--json",
                "--time",
                "60s",
                image("v2"),
                image("hot"),
                "--",
                "sh",
                "-c",
                READ)
            .json();
    assertThat(made.get("layers").getAsInt()).isEqualTo(4);
    JsonObject hot = made.getAsJsonObject("hotLayer");
    assertThat(hot.get("repeatedBytes").getAsLong()).isBetween(200L << 10, 2L << 20);
    assertThat(hot.get("blobBytes").getAsLong())
        .isBetween(4096L, hot.get("repeatedBytes").getAsLong() + 100_000);
    assertThat(hot.get("percentOfImage").getAsDouble()).isBetween(0.1, 50.0);
    requireDisk("hot");
    JsonArray layers = layers("hot");
    assertThat(layers.get(2).getAsJsonObject().get("hot").getAsBoolean()).isTrue();
    assertThat(layers.get(2).getAsJsonObject().getAsJsonObject("content").get("dataBytes"))
        .isEqualTo(hot.get("repeatedBytes"));
    assertThat(layers.get(3).getAsJsonObject().get("trace").getAsBoolean()).isTrue();
    assertThat(layers.get(1).getAsJsonObject().get("digest"))
        .as("the layers below stay")
        .isEqualTo(layers("v2").get(1).getAsJsonObject().get("digest"));
    Path blob =
        home.resolve("images/blobs/sha256")
            .resolve(layers.get(2).getAsJsonObject().get("digest").getAsString().substring(7));
    assertThat(cli.ok("layer", "info", "--verify", blob.toString()).out()).contains("Hot Layer");
  }

  @Test
  void aTraceOrRunsMakeOneToo() throws IOException, InterruptedException {
    String runs = home.resolve("app.runs").toString();
    String trace = home.resolve("app.trace").toString();
    cli.ok(
        "record",
        "--time",
        "60s",
        "--runs",
        runs,
        "--trace-out",
        trace,
        image("v2"),
        image("traced"),
        "--",
        "sh",
        "-c",
        READ);
    String text = cli.ok("trace", "hot", image("traced"), image("own")).out();
    assertThat(text).contains("more to store").contains("of the layers below");
    cli.ok("trace", "hot", "--trace", trace, image("v2"), image("file"));
    cli.ok("trace", "hot", "--runs", runs, image("v2"), image("runs"));
    assertThat(digest("file")).as("the same reads, the same bytes").isEqualTo(digest("own"));
    requireDisk("own");
    requireDisk("runs");
    // Of a layout of its own: without DST the image's own name is taken.
    cli.ok("trace", "hot", image("traced"));
    assertThat(digest("traced")).isEqualTo(digest("own"));
    assertThat(cli.run("trace", "hot", image("own")).expect(1).err())
        .contains("has a hot layer already");
    cli.ok("trace", "hot", "--replace", image("own"), image("again"));
    assertThat(digest("again")).isEqualTo(digest("own"));
    assertThat(
            cli.run(
                    "record",
                    "--hot",
                    "--replace",
                    "--time",
                    "1s",
                    image("own"),
                    image("x"),
                    "--",
                    "sh",
                    "-c",
                    READ)
                .status())
        .isZero();
  }

  @Test
  void whatCannotBeMadeIsSaid() {
    assertThat(cli.run("trace", "hot", image("v1")).expect(1).err())
        .contains("no trace")
        .contains("--runs");
    assertThat(cli.run("trace", "hot", "--support", "2", image("v1")).expect(2).err())
        .contains("--runs");
    assertThat(cli.run("trace", "hot", "--trace", "a", "--runs", "b", image("v1")).expect(2).err())
        .contains("exclude");
  }

  @Test
  void otherToolsTakeTheImage() throws IOException, InterruptedException {
    Tools.requireOnPath("skopeo");
    cli.ok("record", "--hot", "--time", "60s", image("v2"), image("hot"), "--", "sh", "-c", READ);
    Processes.run("skopeo", "--insecure-policy", "inspect", image("hot"));
    String manifest =
        Processes.run("skopeo", "--insecure-policy", "inspect", "--raw", image("hot")).text();
    assertThat(manifest).contains("\"dev.obd.hot-layer\":\"yes\"");
    Processes.run(
        "skopeo",
        "--insecure-policy",
        "copy",
        image("hot"),
        "oci:" + home.resolve("copy") + ":hot");
  }

  private String digest(String tag) {
    return layers(tag).get(2).getAsJsonObject().get("digest").getAsString();
  }
}
