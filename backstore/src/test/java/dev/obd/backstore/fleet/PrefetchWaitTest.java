package dev.obd.backstore.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.prefetch.ReplayStats;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who waits for the prefetch of a device whose configuration says that users are to. */
@Timeout(60)
class PrefetchWaitTest {
  private static final int ALL = 1000;

  @TempDir private Path dir;
  private FleetMachine machine;
  private String config;

  @BeforeEach
  void prepare() throws IOException {
    machine = new FleetMachine(dir);
    JsonObject json = machine.config(FleetMachine.local(machine.layer("layer.obd", 1)));
    JsonArray files = new JsonArray();
    files.add("/bin/app");
    JsonObject prefetch = new JsonObject();
    prefetch.add("files", files);
    prefetch.addProperty("waitSeconds", 600);
    json.add("prefetch", prefetch);
    config = machine.write("device", json).toString();
    machine.tasks = new Semaphore(1); // the layer is opened, the prefetch does not begin
  }

  @AfterEach
  void stop() throws IOException {
    machine.close();
  }

  @Test
  void aDeviceThatIsTakenOverIsServedBeforeItsPrefetchIsDone() throws Exception {
    machine.kernel.kept.put("left", "overlaybd/" + config);
    try (FleetMachine.Process process = machine.boot()) {
      DeviceStatus.Live live = process.fleet.device(config).orElseThrow().live().orElseThrow();
      assertThat(live.replay().orElseThrow().state()).isEqualTo(ReplayStats.State.LOADING);
      machine.tasks.release(ALL);
    }
  }

  @Test
  void aDeviceThatIsMadeIsServedOnceItsPrefetchIsDone() throws Exception {
    try (var _ = machine.boot();
        var threads = Executors.newSingleThreadExecutor()) {
      Future<HandledDevice> made =
          threads.submit(() -> machine.kernel.current().create("d", "overlaybd/" + config));
      assertThatThrownBy(() -> made.get(200, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      machine.tasks.release(ALL);
      assertThat(made.get().state()).isInstanceOf(HandledDevice.State.Serving.class);
    }
  }
}
