package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** overlaybd's own configuration files, as its snapshotter writes them. */
class ConfigEndToEndTest {
  private static PushedImages images;

  @BeforeAll
  static void push() throws IOException, InterruptedException {
    Tools.requireOnPath("nbdcopy", "qemu-io");
    images = PushedImages.make();
  }

  @AfterAll
  static void stop() throws IOException {
    if (images != null) {
      images.close();
    }
  }

  private static String lowers() throws IOException {
    return images.layers("v2").stream()
        .map(layer ->
            "{\"digest\": %s, \"size\": %s, \"dir\": \"/var/lib/none\"}"
                .formatted(layer.get("digest"), layer.get("size")))
        .collect(Collectors.joining(", "));
  }

  private static Path config(String name, String rest) throws IOException {
    Path file = Files.createDirectories(images.home.resolve(name)).resolve("config.v1.json");
    JsonObject json =
        com.google.gson.JsonParser.parseString(
                "{\"repoBlobUrl\": \"http://%s/v2/test/app/blobs\", %s}"
                    .formatted(images.registry.host(), rest))
            .getAsJsonObject();
    return Files.writeString(file, json.toString());
  }

  @Test
  void anEmptyTraceIsRecordedIntoAndSaysWhenItIsWhole() throws Exception {
    Path trace = Files.createFile(images.home.resolve("record.trace"));
    Path config =
        config(
            "recording",
            "\"lowers\": [%s], \"recordTracePath\": \"%s\"".formatted(lowers(), trace));
    try (ObdProcess server = ObdProcess.serve(images.machine("recording"), config.toString())) {
      Path lock = Path.of(trace + ".lock");
      assertThat(lock).exists();
      Path got = TestDisk.download(server.uri(), images.home.resolve("config.raw"));
      TestDisk.assertSame(images.disk.raw2(), got);
      assertThat(server.stop()).as(server.err()).isZero();
      assertThat(lock).doesNotExist();
    }
    assertThat(Path.of(trace + ".ok")).exists();
    Trace recorded = TraceFile.read(trace);
    assertThat(recorded.bytes()).isGreaterThan(5 << 20);
    assertThat(recorded).anyMatch(access -> access.layer() == 0);
    assertThat(recorded).anyMatch(access -> access.layer() == 1);
    assertThat(recorded).allMatch(access -> access.layer() < 2);
  }

  @Test
  void theTraceInAnUnpackedAccelerationLayerIsReplayed() throws Exception {
    Path accelerated = Files.createDirectories(images.home.resolve("accel"));
    List<Access> trace = List.of(new Access(0, 1 << 20, 1 << 20), new Access(0, 3 << 20, 1 << 19));
    Files.write(accelerated.resolve("trace"), TraceFile.encode(trace));
    Path config =
        config(
            "accelerated",
            "\"lowers\": [%s, {\"dir\": \"%s\"}], \"accelerationLayer\": true"
                .formatted(lowers(), accelerated));
    images.registry.clearLog();
    try (ObdProcess server = ObdProcess.serve(images.machine("accelerated"), config.toString())) {
      images.awaitQuiet();
      long replayed = images.dataReads().stream().mapToLong(r -> r.bytesSent()).sum();
      assertThat(replayed).as("blob bytes of 1.5 MiB of layer").isGreaterThan(300_000);
      Processes.run("qemu-io", "-r", "-f", "raw", "-c", "read 0 64k", server.uri());
      assertThat(server.stop()).as(server.err()).isZero();
    }
  }

  @Test
  void whatIsWrongWithAConfigurationIsSaidByKey() throws Exception {
    Path config = config("wrong", "\"lowers\": [{\"digest\": \"sha256:12\"}]");
    try (ObdProcess server =
        ObdProcess.start(
            images.machine("wrong"),
            "serve",
            config.toString(),
            "--nbd",
            "unix:" + images.home.resolve("w.sock"))) {
      assertThat(server.await()).isEqualTo(1);
      assertThat(server.err()).hasLineCount(1).contains("lowers[0].digest");
    }
  }
}
