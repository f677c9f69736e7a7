package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.Tools;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RecordCommandTest {
  private TestHome home;
  private Cli cli;
  private String source;
  private String target;

  @BeforeEach
  void prepare() throws IOException, InterruptedException {
    TestDisk disk = TestDisk.get();
    home = new TestHome();
    cli = new Cli(home.resolve("obd"));
    source = "oci:" + home.resolve("images") + ":app";
    target = "oci:" + home.resolve("images") + ":traced";
    cli.ok("import", disk.raw().toString(), source);
  }

  @AfterEach
  void clean() throws IOException {
    if (home != null) {
      home.close();
    }
  }

  private Cli.Result record(String... more) {
    List<String> arguments = new ArrayList<>(List.of("record", source, target));
    arguments.addAll(List.of(more));
    return cli.run(arguments.toArray(String[]::new));
  }

  @Test
  void whatSeveralRunsHaveInCommonBecomesOneTrace() throws IOException {
    Tools.requireOnPath("qemu-io");
    for (String where : List.of("1M", "2M")) {
      String read = "qemu-io -r -f raw -c 'read 0 64k' -c 'read " + where + " 64k' \"$OBD_NBD\"";
      String runs = home.resolve(where + ".runs").toString();
      record("--time", "60s", "--replace", "--runs", runs, "--", "sh", "-c", read).expectSuccess();
    }
    Path trace = home.resolve("common.trace");
    List<String> files = List.of(home.resolve("1M.runs") + "", home.resolve("2M.runs") + "");
    byte[][] merged = new byte[2][];
    for (int i = 0; i < 2; i++) {
      Path out = home.resolve("merged-" + i);
      Cli.Result result =
          cli.run(
              "trace",
              "merge",
              files.get(i),
              files.get(1 - i),
              files.get(i),
              "--out",
              "" + out,
              "--image",
              source,
              "--support",
              "2",
              "--trace",
              trace.toString(),
              "--json");
      JsonObject json = result.expectSuccess().json();
      assertThat(json.getAsJsonArray("runs")).hasSize(2);
      assertThat(json.get("traceRecords").getAsInt()).isPositive();
      merged[i] = Files.readAllBytes(out);
    }
    assertThat(merged[0]).isEqualTo(merged[1]);
    // The offsets are the layer's, not the disk's: what only one of the runs read is not in it.
    long common = TraceFile.read(trace).bytes();
    JsonObject readBy =
        cli.run("trace", "merge", home.resolve("merged-0").toString(), "--json")
            .expectSuccess()
            .json();
    assertThat(readBy.getAsJsonArray("readBy").get(0).getAsJsonObject().get("bytes").getAsLong())
        .isEqualTo(common)
        .isBetween(4L << 10, 1L << 20);
    assertThat(readBy.getAsJsonArray("readBy").get(1).getAsJsonObject().get("bytes").getAsLong())
        .isBetween(4L << 10, 1L << 20);
    cli.ok("commit", "--trace", trace.toString(), "--replace", source, target);
    assertThat(cli.run("trace", "merge", trace.toString()).expect(1).err()).contains("magic");
  }

  @Test
  void runsAddUpInTheImageAndAnyToolStillFindsATraceOfAllOfThem() throws IOException {
    Tools.requireOnPath("qemu-io");
    String read = "qemu-io -r -f raw -c 'read %s 64k' \"$OBD_NBD\"";
    record("--time", "auto", "--run-name", "one", "--", "sh", "-c", read.formatted("0"))
        .expectSuccess();
    long one = cli.ok("trace", "show", target, "--json").json().get("uniqueBytes").getAsLong();
    cli.ok(
        "record",
        target,
        target,
        "--time",
        "60s",
        "--merge",
        "--run-name",
        "two",
        "--",
        "sh",
        "-c",
        read.formatted("2M"));
    JsonObject shown = cli.ok("trace", "show", target, "--json").json();
    assertThat(shown.getAsJsonArray("runs")).hasSize(2);
    assertThat(shown.get("uniqueBytes").getAsLong()).isGreaterThan(one);
    assertThat(shown.getAsJsonArray("readBy")).hasSize(2);
    assertThat(cli.ok("trace", "show", target).out()).contains("one").contains("read by 2 of 2");

    String nowhere = "unix:" + home.resolve("nowhere");
    assertThat(cli.run("serve", target, "--nbd", nowhere, "--trace", "six").expect(1).err())
        .contains("'six'")
        .contains("[one, two]");
    assertThat(cli.run("serve", target, "--nbd", nowhere, "--trace-file", nowhere).expect(1).err())
        .contains("nowhere");
    assertThat(
            cli.run("serve", target, "--nbd", nowhere, "--trace", "one", "--no-replay")
                .expect(2)
                .err())
        .contains("only one of them");

    Path runs = home.resolve("two.runs");
    cli.ok(
        "record",
        target,
        target,
        "--time",
        "60s",
        "--replace",
        "--runs",
        "" + runs,
        "--",
        "sh",
        "-c",
        read.formatted("3M"));
    assertThat(cli.ok("trace", "show", target, "--json").json().getAsJsonArray("runs")).hasSize(1);
    String other = target + "-by-commit";
    cli.ok("commit", "--runs", runs.toString(), source, other);
    assertThat(cli.ok("trace", "show", other, "--json").json().getAsJsonArray("runs")).hasSize(1);
    assertThat(record("--time", "60s", "--merge", "--replace").expect(2).err()).contains("--merge");
    assertThat(record("--time", "soon").expect(2).err()).contains("soon");
  }

  @Test
  void aLocalRunIsUsedWhereTheImageIsAttachedNextAndTheImageStaysAsItIs() throws IOException {
    Tools.requireOnPath("qemu-io");
    String read = "qemu-io -r -f raw -c 'read 2M 64k' \"$OBD_NBD\"";
    JsonObject made =
        cli.ok("record", source, "--time", "60s", "--local", "--json", "--", "sh", "-c", read)
            .json();
    assertThat(made.get("localRuns").getAsInt()).isEqualTo(1);
    assertThat(made.has("digest")).isFalse();
    JsonObject shown = cli.ok("trace", "show", source, "--json").json();
    assertThat(shown.getAsJsonArray("runs")).hasSize(1);
    assertThat(shown.getAsJsonArray("runs").get(0).getAsJsonObject().get("name").getAsString())
        .isEqualTo("sh");
    Path file =
        Files.list(cli.home().resolve("traces"))
            .filter(path -> path.toString().endsWith(".runs"))
            .toList()
            .getFirst();
    Files.writeString(file, "damaged");
    shown = cli.ok("trace", "show", source, "--json").json();
    assertThat(shown.getAsJsonArray("runs")).as("left out").isEmpty();
  }

  @Test
  void whatWouldCostTheRecordingIsSaidBeforeItBegins() throws IOException {
    Cli.Result noDirectory = record("--time", "60s", "--runs", "/no-such-directory/x.runs");
    assertThat(noDirectory.expect(1).err()).contains("/no-such-directory is no directory");
    Path noRuns = Files.writeString(home.resolve("plain"), "this is no file of runs, but a text");
    assertThat(record("--time", "60s", "--runs", noRuns.toString()).expect(1).err())
        .contains("magic");
    assertThat(cli.run("record", "--time", "60s", source, "--", "true").expect(2).err())
        .contains("DST");
  }

  @Test
  void whatCannotBeWrittenCostsNeitherTheImageNorTheRecording() throws IOException {
    Tools.requireOnPath("qemu-io");
    Path runs = home.resolve("app.runs");
    Path traces =
        Files.writeString(Files.createDirectories(cli.home()).resolve("traces"), "no directory");
    String spoil = "printf damaged > '%s'; head -c 4k /dev/zero >> '%s'".formatted(runs, runs);
    Path out = home.resolve("app.trace");
    Cli.Result result =
        record(
            "--time",
            "60s",
            "--local",
            "--runs",
            runs.toString(),
            "--trace-out",
            out.toString(),
            "--",
            "sh",
            "-c",
            "qemu-io -r -f raw -c 'read 0 64k' \"$OBD_NBD\"; " + spoil);
    assertThat(result.expect(1).err())
        .contains("the recording is kept: " + out)
        .contains("magic")
        .contains(traces.toString());
    long bytes = TraceFile.read(out).bytes();
    assertThat(bytes).isPositive();
    assertThat(cli.ok("trace", "show", target, "--json").json().get("uniqueBytes").getAsLong())
        .isPositive();

    Cli.Result nowhere =
        cli.run(
            "record",
            source,
            "--time",
            "60s",
            "--local",
            "--",
            "sh",
            "-c",
            "qemu-io -r -f raw -c 'read 0 64k' \"$OBD_NBD\"");
    assertThat(nowhere.expect(1).err()).contains("the recording is kept: obd commit --replace");
    try (var kept = Files.list(cli.home().resolve("recordings"))) {
      assertThat(TraceFile.read(kept.findFirst().orElseThrow()).bytes()).isPositive();
    }
  }

  @Test
  void withoutAnImageToMakeItsOptionsAreRefusedAndTheTraceIsWritten() throws IOException {
    Tools.requireOnPath("qemu-io");
    for (String option : List.of("--hot", "--merge", "--replace")) {
      assertThat(
              cli.run("record", source, "--local", option, "--time", "60s", "--", "true")
                  .expect(2)
                  .err())
          .contains(option)
          .contains("DST");
    }
    Path out = home.resolve("local.trace");
    cli.ok(
        "record",
        source,
        "--local",
        "--time",
        "60s",
        "--trace-out",
        out.toString(),
        "--",
        "sh",
        "-c",
        "qemu-io -r -f raw -c 'read 0 64k' \"$OBD_NBD\"");
    assertThat(TraceFile.read(out).bytes()).isPositive();
  }

  @Test
  void whatTheCommandReadsBecomesTheTrace() throws IOException {
    Tools.requireOnPath("qemu-io");
    Path trace = home.resolve("app.trace");
    Cli.Result result =
        record(
            "--time",
            "60s",
            "--json",
            "--trace-out",
            trace.toString(),
            "--",
            "sh",
            "-c",
            "test -S \"$OBD_SOCKET\" && qemu-io -r -f raw -c 'read 0 4M' \"$OBD_NBD\" >/dev/null");
    JsonObject made = result.expectSuccess().json();
    assertThat(made.get("endedBy").getAsString()).isEqualTo("command");
    assertThat(made.get("commandStatus").getAsInt()).isZero();
    assertThat(made.get("layers").getAsInt()).isEqualTo(2);
    assertThat(made.get("name").getAsString()).isEqualTo(target);
    assertThat(made.get("recordedBytes").getAsLong()).isBetween(1L << 20, 10L << 20);
    Trace written = TraceFile.read(trace);
    assertThat(written).hasSize(made.get("traceRecords").getAsInt());
    assertThat(written.bytes()).isEqualTo(made.get("recordedBytes").getAsLong());
    assertThat(Files.list(cli.home().resolve("run"))).isEmpty();
  }

  @Test
  void anImageWithATraceIsRefusedBeforeAnythingRunsUnlessItIsToBeReplaced() {
    record("--time", "0s").expectSuccess();
    Path ran = home.resolve("ran");
    Cli.Result refused =
        cli.run("record", target, target, "--time", "5s", "--", "touch", ran.toString());
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.err()).hasLineCount(1).contains("has a trace layer already");
    assertThat(ran).doesNotExist();
    JsonObject replaced =
        cli.ok("record", target, target, "--time", "0s", "--replace", "--json").json();
    assertThat(replaced.get("layers").getAsInt()).isEqualTo(2);
    assertThat(replaced.get("traceRemoved").getAsBoolean()).isTrue();
  }

  @Test
  void aRecordingOfNothingIsStillAnImageAndSaysSo() {
    Cli.Result result = record("--time", "100ms").expectSuccess();
    assertThat(result.out()).contains("ended   by time").contains("trace   ");
    assertThat(result.err()).contains("nothing was read beyond what opening the image takes");
  }

  @Test
  void atTheTimeTheCommandAndAllItStartedIsStopped() throws Exception {
    Path pids = home.resolve("pids");
    Cli.Result result =
        record(
            "--time",
            "1s",
            "--grace",
            "500ms",
            "--",
            "sh",
            "-c",
            "trap '' TERM; echo $$ > %s; sleep 1000 & echo $! >> %s; while :; do sleep 0.1; done"
                .formatted(pids, pids));
    result.expectSuccess();
    assertThat(result.out()).contains("ended   by time");
    assertThat(result.err()).contains("did not end").contains("killed it");
    List<String> all = Files.readAllLines(pids);
    assertThat(all).hasSize(2);
    for (String pid : all) {
      assertThat(ProcessHandle.of(Long.parseLong(pid)).map(ProcessHandle::isAlive).orElse(false))
          .as("process " + pid)
          .isFalse();
    }
  }

  @Test
  void aFailedCommandIsToldAndTheRecordingKept() {
    Cli.Result result = record("--time", "60s", "--json", "--", "sh", "-c", "exit 3");
    assertThat(result.expectSuccess().json().get("commandStatus").getAsInt()).isEqualTo(3);
    assertThat(result.err()).contains("the command ended with status 3");
  }

  @Test
  void aCommandThatCannotBeStartedMakesNoImage() {
    Cli.Result result = record("--time", "60s", "--", "/no/such/program");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).contains("/no/such/program");
    assertThat(cli.run("push", target, "127.0.0.1:9/x").err()).contains("no image traced");
  }

  @Test
  void aSignalEndsTheRecordingAndTheImageIsBuilt() throws Exception {
    for (boolean interrupt : new boolean[] {true, false}) {
      if (interrupt && ObdProcess.ignoresInterrupts()) {
        System.err.println("SIGINT is ignored here, as in a job in the background: not tried");
        continue;
      }
      try (ObdProcess recording =
          ObdProcess.start(
              cli.home(),
              "record",
              source,
              target,
              "--time",
              "10m",
              "--json",
              "--",
              "sleep",
              "600")) {
        recording.awaitReady();
        int status = interrupt ? recording.interrupt() : recording.stop();
        assertThat(status).as(recording.err()).isZero();
        assertThat(recording.out()).contains("\"endedBy\": \"signal\"").contains(target);
      }
    }
  }

  @Test
  void withoutACommandItServesUntilTheTime() throws Exception {
    Tools.requireOnPath("nbdinfo");
    Path socket = home.resolve("here.sock");
    Thread late =
        Thread.ofPlatform()
            .start(() -> {
              try {
                for (int i = 0; i < 500 && !Files.exists(socket); i++) {
                  TimeUnit.MILLISECONDS.sleep(20);
                }
                dev.obd.testdata.Processes.run("nbdinfo", "nbd+unix:///?socket=" + socket);
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    Cli.Result result = record("--time", "2s", "--nbd", "unix:" + socket);
    late.join();
    assertThat(result.expectSuccess().err()).contains("ready nbd+unix:///?socket=" + socket);
    assertThat(socket).doesNotExist();
  }

  @Test
  void wrongUseIsToldFromFailure() {
    assertThat(cli.run("record", source, target).status()).as("no time").isEqualTo(2);
    assertThat(record("--time", "soon").status()).isEqualTo(2);
    assertThat(record("--time", "1s", "--nbd", "here").status()).isEqualTo(2);
    assertThat(cli.run("record", source, "Not A Name", "--time", "1s").status()).isEqualTo(2);
    assertThat(cli.run("record", "/no/such", target, "--time", "1s").status()).isEqualTo(1);
  }
}
