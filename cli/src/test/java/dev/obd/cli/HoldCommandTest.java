package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class HoldCommandTest {
  /** Fails if one of its reads does. */
  private static final String READ =
      "qemu-io -r -f raw -c 'read 0 256k' -c 'read 2M 64k' -c 'read 3M 128k' \"$OBD_NBD\" > %s"
          + " && test $(grep -c '^read .*bytes at' %s) = 3";

  private TestHome home;
  private FaultyRegistry registry;
  private String plain;
  private String traced;
  private Cli cli;

  @BeforeEach
  void push() throws IOException, InterruptedException {
    Tools.requireOnPath("qemu-io");
    home = new TestHome();
    registry = FaultyRegistry.start();
    plain = registry.host() + "/app:v1";
    traced = registry.host() + "/app:traced";
    Cli maker = new Cli(home.resolve("maker"));
    maker.ok("import", TestDisk.get().raw().toString(), plain);
    maker.ok("record", plain, traced, "--time", "60s", "--", "sh", "-c", read());
    maker.ok("push", plain);
    maker.ok("push", traced);
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

  private String read() {
    String out = home.resolve("read").toString();
    return READ.formatted(out, out);
  }

  private List<Boolean> pins() {
    return cli.ok("cache", "ls", "--json").json().getAsJsonArray("blobs").asList().stream()
        .map(JsonElement::getAsJsonObject)
        .map(blob -> blob.get("pinned").getAsBoolean())
        .toList();
  }

  @Test
  void whatWasRecordedRunsWithoutTheRegistryOnceTheImageIsHeld() {
    JsonObject held = cli.ok("hold", traced, "--json").json();
    assertThat(held.get("layers").getAsInt()).isEqualTo(1);
    assertThat(held.get("bytes").getAsLong()).isPositive();
    assertThat(held.get("fetchedBytes").getAsLong())
        .isBetween(1L, held.get("bytes").getAsLong() + (1 << 20));
    assertThat(pins()).containsExactly(true);
    registry.clearLog();
    assertThat(cli.ok("hold", traced).out()).contains("here and held, 0 B fetched");
    assertThat(registry.log().stream().filter(LoggedRequest::isBlobRead)).isEmpty();

    registry.down();
    JsonObject run =
        cli.ok("record", traced, "--local", "--time", "60s", "--json", "--", "sh", "-c", read())
            .json();
    assertThat(run.get("commandStatus").getAsInt()).as("0 reads failed").isZero();
    assertThat(run.get("recordedBytes").getAsLong()).isPositive();

    assertThat(cli.ok("unhold", traced).out()).contains("let go");
    assertThat(pins()).containsExactly(false);
    assertThat(cli.run("unhold", traced).expect(1).err()).contains("is not held");
  }

  @Test
  void aLayerThatTwoHeldImagesShareStaysPinnedUntilBothAreLetGo() {
    String again = registry.host() + "/app:again";
    cli.ok("record", plain, again, "--time", "60s", "--", "sh", "-c", read());
    cli.ok("hold", traced);
    cli.ok("hold", again);
    cli.ok("unhold", traced);
    assertThat(pins()).containsExactly(true);
    cli.ok("unhold", again);
    assertThat(pins()).containsExactly(false);
  }

  @Test
  void runsOfOneMachineAreHeldOnAnotherByWayOfTheRegistryAndTheImageStaysAsItIs() {
    Cli recorder = new Cli(home.resolve("recorder"));
    assertThat(cli.run("trace", "pull", plain).expect(1).err()).contains("no runs beside it");
    assertThat(recorder.run("trace", "push", plain).expect(1).err()).contains("--local");
    recorder.ok("record", plain, "--local", "--time", "60s", "--", "sh", "-c", read());
    assertThat(recorder.ok("trace", "push", plain).out()).contains("read by 1 of 1");
    assertThat(cli.ok("trace", "pull", plain).out()).contains("read by 1 of 1");
    assertThat(cli.ok("hold", plain, "--json").json().get("bytes").getAsLong()).isPositive();
    registry.down();
    JsonObject run =
        cli.ok("record", plain, "--local", "--time", "60s", "--json", "--", "sh", "-c", read())
            .json();
    assertThat(run.get("commandStatus").getAsInt()).as("0 reads failed").isZero();
    assertThat(run.get("localRuns").getAsInt()).isEqualTo(2);
  }

  @Test
  void whatIsHeldIsLetGoByItsNameWhenThatNamesAnotherImageMeanwhile() {
    cli.ok("hold", traced);
    cli.ok("pull", plain);
    cli.ok("tag", plain, traced);
    assertThat(cli.ok("unhold", traced).out()).contains("let go");
    assertThat(pins()).containsExactly(false);
    assertThat(cli.run("unhold", traced).expect(1).err()).contains("is not held");
  }

  @Test
  void whatAFailureLeavesHeldIsSaidAndCanBeLetGo() {
    cli.ok("pull", traced);
    registry.fault(call -> call.path().contains("/blobs/"), new Fault.Status(404));
    assertThat(cli.run("hold", traced).expect(1).err())
        .contains("stays held")
        .contains("obd unhold " + traced);
    registry.clearFaults();
    assertThat(cli.ok("unhold", traced).out()).contains("let go");
    assertThat(cli.run("unhold", traced).expect(1).err()).contains("is not held");
  }

  @Test
  void anImageOfWhichNothingIsRecordedCannotBeHeldAndWhatCanBeDoneIsSaid() {
    assertThat(cli.run("hold", plain).expect(1).err())
        .contains("nothing is recorded")
        .contains("obd fetch");
  }
}
