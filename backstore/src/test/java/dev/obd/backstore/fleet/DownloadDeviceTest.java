package dev.obd.backstore.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import dev.obd.backstore.download.DownloadStatus;
import dev.obd.backstore.download.DownloadVictim;
import dev.obd.registry.Digest;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Background download below a device that is read, and under kill -9. */
class DownloadDeviceTest {
  @TempDir private Path dir;
  private FleetMachine machine;
  private FleetMachine.Process process;

  @BeforeEach
  void boot() throws Exception {
    machine = new FleetMachine(dir);
    process = machine.boot();
  }

  @AfterEach
  void stop() throws IOException {
    process.close();
    machine.close();
  }

  private Path config(JsonObject lower, Path directory) throws IOException {
    lower.addProperty("dir", directory.toString());
    JsonObject config = machine.config(lower);
    JsonObject download = new JsonObject();
    download.addProperty("enable", true);
    download.addProperty("delay", 0);
    download.addProperty("delayExtra", 1);
    config.add("download", download);
    return machine.write("device", config);
  }

  private static void assertContent(BlockDevice device) {
    var buffer = ByteBuffer.allocate(FleetMachine.DISK_BYTES);
    assertThat(device.serve(new Request.Read(0, buffer))).isEqualTo(Status.OK);
    assertThat(buffer.array()).isEqualTo(Contents.of("rand", 1, FleetMachine.DISK_BYTES));
  }

  @Test
  void aDeviceIsReadOnWithoutTheRegistryOnceItsLayerIsLocal() throws Exception {
    Path layer = machine.layer("layer.obd", 1);
    Path directory = dir.resolve("layer");
    Path config = config(machine.remote(layer), directory);
    var state =
        (HandledDevice.State.Serving)
            machine.kernel.current().create("d", "overlaybd/" + config).state();
    DeviceStatus.Live live = null;
    for (int i = 0; i < 1000; i++) {
      assertContent(state.device());
      live = process.fleet.device(config.toString()).orElseThrow().live().orElseThrow();
      if (live.download().orElseThrow().state() == DownloadStatus.State.DONE) {
        break;
      }
    }
    assertThat(live.download().orElseThrow().state()).isEqualTo(DownloadStatus.State.DONE);
    assertThat(live.layers()).allMatch(l -> !l.remote() && l.localBytes() == l.blobBytes());
    assertThat(directory.resolve("overlaybd.commit")).hasBinaryContent(Files.readAllBytes(layer));
    machine.registry.down();
    machine.registry.clearLog();
    assertContent(state.device());
    machine.kernel.current().remove("d", false);
    var again =
        (HandledDevice.State.Serving)
            machine.kernel.current().create("d", "overlaybd/" + config).state();
    assertContent(again.device());
    assertThat(machine.registry.counters().requests()).isZero();
  }

  /** A process that downloads is killed again and again; what it leaves is always right. */
  @Test
  void killsCostTimeAndNothingElse() throws Exception {
    byte[] blob = Contents.of("rand", 3, 6 << 20);
    String digest = machine.registry.putBlob("test/app", blob);
    Path directory = Files.createDirectories(dir.resolve("killed"));
    Path commit = directory.resolve("overlaybd.commit");
    long seed = System.nanoTime();
    var random = new SplittableRandom(seed);
    int kills = 0;
    for (int round = 0; round < 8 && !Files.exists(commit); round++) {
      Process victim =
          DownloadVictim.start(machine.registry.host(), digest, blob.length, directory);
      if (!victim.waitFor(400 + random.nextInt(900), TimeUnit.MILLISECONDS)) {
        kills++;
      }
      victim.destroyForcibly().waitFor();
      if (Files.exists(commit)) {
        assertThat(Digest.of(Files.readAllBytes(commit)).value())
            .as("seed %d", seed)
            .isEqualTo(digest);
      }
    }
    assertThat(kills).as("seed %d", seed).isPositive();
    if (!Files.exists(commit)) {
      Process last = DownloadVictim.start(machine.registry.host(), digest, blob.length, directory);
      assertThat(last.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(commit).hasBinaryContent(blob);
  }
}
