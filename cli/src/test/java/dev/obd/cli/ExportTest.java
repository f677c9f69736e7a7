package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import dev.obd.testdata.DeviceModel;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExportTest {
  @TempDir private Path dir;

  private Path home() {
    return dir.resolve("home");
  }

  /** Every vector with a disk, but file systems (the same code) and the one of 4 TiB. */
  static Stream<String> disks() throws IOException {
    return GoldenDisks.all().stream()
        .filter(v -> !GoldenDisks.damaged(v))
        .map(GoldenDisks::id)
        .filter(id -> !id.startsWith("g") && !id.startsWith("h") && !id.startsWith("i"))
        .filter(id -> !id.equals("e5-huge-4t"));
  }

  static Stream<String> damaged() throws IOException {
    return GoldenDisks.all().stream().filter(GoldenDisks::damaged).map(GoldenDisks::id);
  }

  @ParameterizedTest
  @MethodSource("disks")
  void theFileHasTheBytesOfTheDisk(String id) throws IOException {
    Path config = GoldenDisks.copy(id, dir).resolve("config.v1.json");
    Path out = dir.resolve("disk.raw");
    ObdRun.in(home(), "export", config, "-o", out).expect(0);
    assertThat(GoldenDisks.sha256(out)).isEqualTo(GoldenDisks.disk(id));
    try (Stream<Path> left = Files.list(dir)) {
      assertThat(left.map(p -> p.getFileName().toString()))
          .containsExactlyInAnyOrder("home", id, "disk.raw");
    }
  }

  @Test
  void noVectorIsForgotten() throws IOException {
    assertThat(disks()).hasSize(54 - 7 - 1 - 2 - 3 - 1);
    assertThat(damaged()).hasSize(7);
  }

  @Test
  void fourTebibytesAreAFileWithHoles() throws IOException {
    Path out = dir.resolve("disk.raw");
    ObdRun.in(home(), "export", GoldenDisks.file("e5-huge-4t/config.v1.json"), "-o", out).expect(0);
    assertThat(Files.size(out)).isEqualTo(4L << 40);
    try (FileChannel file = FileChannel.open(out)) {
      for (JsonElement probe : GoldenDisks.vector("e5-huge-4t").getAsJsonArray("probes")) {
        ByteBuffer got = ByteBuffer.allocate(probe.getAsJsonObject().get("length").getAsInt());
        file.read(got, probe.getAsJsonObject().get("offset").getAsLong());
        assertThat(DeviceModel.sha256(got.array()))
            .isEqualTo(probe.getAsJsonObject().get("sha256").getAsString());
      }
    }
  }

  @Test
  void oneLayerFileIsADiskToo() throws IOException {
    for (String layer : List.of("b1-sealed/overlaybd.sealed", "d1-tar-z-lz4/layer.obd")) {
      Path out = dir.resolve("disk.raw");
      ObdRun.in(home(), "export", GoldenDisks.file(layer), "-o", out).expect(0);
      assertThat(GoldenDisks.sha256(out)).as(layer).isEqualTo(GoldenDisks.disk("b1-sealed"));
    }
  }

  @ParameterizedTest
  @MethodSource("damaged")
  void damageIsNamedAndNothingIsLeft(String id) throws IOException {
    Path out = dir.resolve("disk.raw");
    Cli.Result run =
        ObdRun.in(home(), "export", GoldenDisks.file(id).resolve("config.v1.json"), "-o", out)
            .expect(1);
    // The blob, the offset in it, the field, and what is wrong with it.
    assertThat(run.err()).containsPattern("layer\\.obd @\\d+: [a-z_A-Z0-9. ]+: \\S+");
    assertThat(run.err().lines().filter(line -> line.startsWith("\tat "))).isEmpty();
    try (Stream<Path> left = Files.list(dir)) {
      assertThat(left).containsExactly(home());
    }
  }

  @Test
  void standardOutputGetsEveryByte() throws Exception {
    Path config = GoldenDisks.file("e1-stack4/config.v1.json");
    Processes.Result run =
        Processes.run(Duration.ofMinutes(2), null, ObdRun.command(home(), "export", config));
    assertThat(run.exit()).as(run.errors()).isZero();
    assertThat(DeviceModel.sha256(run.output())).isEqualTo(GoldenDisks.disk("e1-stack4"));
  }

  @Test
  void aTerminalIsSparedTheBytes() throws Exception {
    Tools.requireOnPath("script");
    String command =
        String.join(
            " ", ObdRun.command(home(), "export", GoldenDisks.file("b2-commit-plain/layer.obd")));
    Processes.Result run =
        Processes.run(Duration.ofMinutes(2), null, List.of("script", "-qec", command, "/dev/null"));
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.text()).contains("not for a terminal");
  }

  @Test
  void aPipeIsWrittenTo() throws Exception {
    Tools.requireOnPath("mkfifo");
    Path pipe = dir.resolve("pipe");
    Processes.run("mkfifo", pipe.toString());
    Path copy = dir.resolve("copy");
    Process reader =
        new ProcessBuilder("cat", pipe.toString()).redirectOutput(copy.toFile()).start();
    ObdRun.in(home(), "export", GoldenDisks.file("b2-commit-plain/layer.obd"), "-o", pipe)
        .expect(0);
    assertThat(reader.waitFor()).isZero();
    assertThat(GoldenDisks.sha256(copy)).isEqualTo(GoldenDisks.disk("b2-commit-plain"));
  }

  @Test
  void anotherFileIsReplacedOnlyByAWholeOne() throws IOException {
    Path out = Files.writeString(dir.resolve("disk.raw"), "precious");
    ObdRun.in(home(), "export", GoldenDisks.file("k3-bad-jump-table/layer.obd"), "-o", out)
        .expect(1);
    assertThat(out).hasContent("precious");
    ObdRun.in(home(), "export", GoldenDisks.file("b2-commit-plain/layer.obd"), "-o", out).expect(0);
    assertThat(GoldenDisks.sha256(out)).isEqualTo(GoldenDisks.disk("b2-commit-plain"));
  }

  @Test
  void aConfigurationThatWouldRecordRecordsNoExport() throws IOException {
    Path vector = GoldenDisks.copy("j1-trace", dir);
    Path trace = vector.resolve("trace");
    Files.delete(trace);
    Files.createFile(trace);
    ObdRun.in(home(), "export", vector.resolve("config.record.json"), "-o", dir.resolve("raw"))
        .expect(0);
    assertThat(trace).isEmptyFile();
    assertThat(vector.resolve("trace.lock")).doesNotExist();
  }
}
