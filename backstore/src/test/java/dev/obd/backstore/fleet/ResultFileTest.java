package dev.obd.backstore.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import dev.obd.backstore.device.Handling;
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The original's words, for each way to fail. */
class ResultFileTest {
  @TempDir private Path dir;
  private FleetMachine machine;
  private FleetMachine.Process process;
  private Handling kernel;
  private Path result;
  private Path layer;

  @BeforeEach
  void boot() throws Exception {
    machine = new FleetMachine(dir);
    process = machine.boot();
    kernel = machine.kernel.current();
    result = dir.resolve("result");
    layer = machine.layer("layer.obd", 1);
  }

  @AfterEach
  void stop() throws IOException {
    process.close();
    machine.close();
  }

  private String open(JsonObject config) throws Exception {
    config.addProperty("resultFile", result.toString());
    Path file = machine.write("device", config);
    try {
      kernel.create("d", "overlaybd/" + file);
    } catch (IOException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
    return Files.readString(result);
  }

  private String url(JsonObject lower) {
    return "/http://%s/v2/test/app/blobs/%s"
        .formatted(machine.registry.host(), lower.get("digest").getAsString());
  }

  @Test
  void anOpenDeviceIsASuccess() throws Exception {
    Files.writeString(result, "something longer that was there before");
    assertThat(open(machine.config(machine.remote(layer)))).isEqualTo("success");
  }

  @Test
  void whatALinkInItsPlacePointsToIsLeftAlone() throws Exception {
    Path precious = Files.writeString(dir.resolve("precious"), "somebody else's");
    Files.createSymbolicLink(result, precious);
    assertThat(open(machine.config(machine.remote(layer)))).isEqualTo("somebody else's");
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource({
    "401, Authentication failed",
    "403, Authentication failed",
    "404, No such file or directory",
    "429, Too many requests",
    "500, No such file or directory",
    "503, No such file or directory",
    "400, Unexpected response",
  })
  void aRegistryThatRefusesIsQuotedByItsStatus(int status, String reason) throws Exception {
    JsonObject lower = machine.remote(layer);
    machine.registry.fault(Call::isBlobRead, new Fault.Status(status));
    assertThat(open(machine.config(lower)))
        .isEqualTo("failed:failed to open remote file as tar file " + url(lower) + ": " + reason);
  }

  @Test
  void noServerIsNoSuchFile() throws Exception {
    JsonObject lower = machine.remote(layer);
    machine.registry.down();
    assertThat(open(machine.config(lower)))
        .isEqualTo(
            "failed:failed to open remote file as tar file "
                + url(lower)
                + ": No such file or directory");
  }

  @Test
  void aServerThatDoesNotAnswerTimesOut() throws Exception {
    JsonObject lower = machine.remote(layer);
    machine.registry.fault(Call::isBlobRead, new Fault.Stalled(0));
    assertThat(open(machine.config(lower)))
        .isEqualTo(
            "failed:failed to open remote file as tar file " + url(lower) + ": Get meta timedout");
  }

  @Test
  void aBadZFileIsASwitchFile() throws Exception {
    Path bad = Golden.dir().resolve("k4-bad-header-digest/layer.obd");
    assertThat(open(machine.config(FleetMachine.local(bad))))
        .isEqualTo("failed:failed to open switch file " + bad);
  }

  @Test
  void aBadIndexMakesNoDevice() throws Exception {
    Path bad = Golden.dir().resolve("k8-lsmt-index-order/layer.obd");
    assertThat(open(machine.config(FleetMachine.local(bad))))
        .isEqualTo("failed:failed to create overlaybd device");
    Path noLayer = Files.write(dir.resolve("no.obd"), new byte[8192]);
    assertThat(open(machine.config(FleetMachine.local(noLayer))))
        .isEqualTo("failed:failed to create overlaybd device");
  }

  @Test
  void aLocalFileThatCannotBeReadIsNamed() throws Exception {
    Path directory = Files.createDirectory(dir.resolve("a-directory"));
    assertThat(open(machine.config(FleetMachine.local(directory))))
        .isIn(
            "failed:failed to open local file " + directory,
            "failed:failed to open file as tar file " + directory);
  }

  @Test
  void remoteLayersNeedAUrl() throws Exception {
    JsonObject config = machine.config(machine.remote(layer));
    config.addProperty("repoBlobUrl", "");
    assertThat(open(config)).isEqualTo("failed:empty repoBlobUrl");
  }

  @Test
  void aLayerThatIsNowhereIsCountedFromTheLowest() throws Exception {
    assertThat(open(machine.config(machine.remote(layer), new JsonObject())))
        .isEqualTo("failed:failed to open layer 1");
  }

  @Test
  void aWritableLayerThatCannotBeOpenedHasNoWords() throws Exception {
    JsonObject config = machine.config(FleetMachine.local(layer));
    JsonObject upper = new JsonObject();
    upper.addProperty("data", dir.resolve("none.data").toString());
    upper.addProperty("index", dir.resolve("none.index").toString());
    config.add("upper", upper);
    assertThat(open(config)).isEqualTo("failed:");
  }

  @Test
  void twoDevicesHaveTwoIds() throws Exception {
    JsonObject config = machine.config(FleetMachine.local(layer));
    config.addProperty("resultFile", result.toString());
    Path file = machine.write("device", config);
    kernel.create("a", "overlaybd/" + file + ";one");
    assertThatThrownBy(() -> kernel.create("b", "overlaybd/" + file + ";one"))
        .hasMessage("duplicated dev id: one");
    assertThat(result).hasContent("failed:duplicated dev id: one");
    kernel.create("b", "overlaybd/" + file + ";two");
    assertThat(result).hasContent("success");
    kernel.remove("a", false);
    kernel.create("c", "overlaybd/" + file + ";one");
    List<DeviceStatus> all = process.fleet.devices();
    assertThat(all).hasSize(2).allMatch(d -> d.source().equals(file.toString()));
    assertThat(all).extracting(DeviceStatus::id).doesNotHaveDuplicates();
    assertThat(all).extracting(d -> d.devId().orElseThrow()).contains("one", "two");
  }

  @Test
  void aConfigurationThatDoesNotParseLeavesTheFileAlone() throws Exception {
    Files.writeString(result, "before");
    Path file = dir.resolve("config.v1.json");
    Files.writeString(file, "{\"resultFile\":\"" + result + "\",\"lowers\":[],}");
    assertThatThrownBy(() -> kernel.create("d", "overlaybd/" + file)).hasMessageContaining("JSON");
    assertThat(result).hasContent("before");
  }

  @Test
  void aDamagedLocalCopyGivesWayToTheRegistry() throws Exception {
    Path bad = Golden.dir().resolve("k4-bad-header-digest/layer.obd");
    JsonObject lower = machine.remote(layer);
    lower.addProperty("file", bad.toString());
    assertThat(open(machine.config(lower))).isEqualTo("success");
  }
}
