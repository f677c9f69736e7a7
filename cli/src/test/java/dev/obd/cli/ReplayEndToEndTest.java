package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.Processes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What one machine recorded is fetched on another before it is asked for. */
class ReplayEndToEndTest {
  private static final String WORKLOAD = "cat %1$s/d0/e0/* %1$s/d3/*/* %1$s/new-2 > /dev/null";

  private static PushedImages images;

  @BeforeAll
  static void push() throws IOException, InterruptedException {
    images = PushedImages.make();
  }

  @AfterAll
  static void stop() throws IOException {
    if (images != null) {
      images.close();
    }
  }

  @Test
  void theReplayFetchesInFewRequestsWhatTheWorkloadThenReadsWithoutAny() throws Exception {
    PushedImages.assumeMountable(images.home.path());
    String traced = images.registry.host() + "/test/app:traced";
    Path recorder = images.machine("recorder");
    Path mount = images.home.resolve("mnt");
    JsonObject recorded;
    try (ObdProcess recording =
        ObdProcess.start(
            recorder,
            "record",
            images.v2(),
            traced,
            "--time",
            "60s",
            "--mount",
            mount.toString(),
            "--json",
            "--",
            "sh",
            "-c",
            WORKLOAD.formatted("$OBD_MOUNT"))) {
      assertThat(recording.await()).as(recording.err()).isZero();
      recorded = JsonParser.parseString(recording.out()).getAsJsonObject();
    }
    assertThat(recorded.get("endedBy").getAsString()).isEqualTo("command");
    assertThat(recorded.get("commandStatus").getAsInt()).isZero();
    int records = recorded.get("traceRecords").getAsInt();
    new Cli(recorder).ok("push", traced);
    assertThat(images.layers("traced")).hasSize(3);

    images.registry.clearLog();
    Path cold = images.machine("cold");
    try (ObdProcess server = ObdProcess.start(cold, "serve", traced, "--mount", mount.toString())) {
      server.awaitReady();
      images.awaitQuiet();
      List<LoggedRequest> replayed = images.dataReads();
      assertThat(replayed).as("%d records", records).hasSizeBetween(2, records / 3);
      Processes.run("sh", "-c", WORKLOAD.formatted(mount));
      assertThat(images.dataReads()).as("the workload needs nothing more").hasSameSizeAs(replayed);
      assertThat(server.stop()).as(server.err()).isZero();
    }
  }
}
