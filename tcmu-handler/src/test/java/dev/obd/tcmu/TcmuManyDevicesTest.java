package dev.obd.tcmu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.HandledDevice.State;
import dev.obd.backstore.device.Handling;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.testdata.vm.InGuest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Far more devices at once than one after the other could be opened in time. */
@InGuest(memory = 3072, limitSeconds = 900)
@Timeout(800)
class TcmuManyDevicesTest {
  @Test
  void twoHundredDevicesComeAtOnceAndGoAndNothingIsLeft() throws Exception {
    int count = 200;
    var source = new DisksByConfig();
    Handling handling = new TcmuHandler().start(source);
    for (int i = 0; i < count; i++) {
      byte[] content = new byte[8192];
      Arrays.fill(content, (byte) i);
      source.put("many" + i, () -> MemoryDisk.readOnly(content));
    }
    long start = System.nanoTime();
    try (ExecutorService executor = Executors.newFixedThreadPool(16)) {
      var made = new ArrayList<Callable<HandledDevice>>();
      for (int i = 0; i < count; i++) {
        String name = "many" + i;
        made.add(() -> handling.create(name, "lab/" + name));
      }
      for (Future<HandledDevice> device : executor.invokeAll(made)) {
        HandledDevice d = device.get();
        assertThat(d.state()).isInstanceOf(State.Serving.class);
        try (var disk = new SdClient(d.node().orElseThrow())) {
          var first = ByteBuffer.allocate(1);
          disk.read(0, first);
          assertThat(first.get(0)).isEqualTo((byte) Integer.parseInt(d.name().substring(4)));
        }
      }
      long up = System.nanoTime();
      System.out.println(count + " devices in " + (up - start) / 1_000_000 + " ms");
      assertThat(handling.devices()).hasSize(count);
      var gone = new ArrayList<Callable<Object>>();
      for (int i = 0; i < count; i++) {
        String name = "many" + i;
        gone.add(() -> {
          handling.remove(name, false);
          return name;
        });
      }
      for (Future<Object> one : executor.invokeAll(gone)) {
        one.get();
      }
      System.out.println("gone in " + (System.nanoTime() - up) / 1_000_000 + " ms");
    }
    assertThat(handling.devices()).isEmpty();
    assertThat(source.removed()).hasSize(count);
    handling.close();
    assertThat(Sh.devicesLeft()).isEmpty();
  }
}
