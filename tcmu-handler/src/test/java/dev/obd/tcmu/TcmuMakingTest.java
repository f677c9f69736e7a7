package dev.obd.tcmu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.HandledDevice.State;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.KernelPaths;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the kernel is told of a device that it makes is what became of the device's image. */
@InGuest
@Timeout(120)
class TcmuMakingTest {
  private static final int BYTES = 1 << 16;

  /** Longer than it takes to notice that a device is there, or gone, of which nobody told. */
  private static final long SLOW_MILLIS = 12_000;

  private final Images images = new Images();
  private SharedService.Lease lease;
  private TcmuHandling handling;

  @BeforeEach
  void start() throws IOException {
    lease = SharedService.join(images);
    handling = new TcmuHandling(lease);
  }

  @AfterEach
  void stop() throws Exception {
    for (HandledDevice device : handling.devices()) {
      handling.remove(device.name(), true);
    }
    handling.close();
    assertThat(Sh.devicesLeft()).isEmpty();
  }

  private static byte[] content() {
    byte[] content = new byte[BYTES];
    Arrays.fill(content, (byte) 7);
    return content;
  }

  /** {@code good} opens, {@code slow} fails after a while, all others fail. */
  private static final class Images implements ServedSource {
    /** Until then the thread that hears of events does nothing. */
    final CountDownLatch deaf = new CountDownLatch(1);

    private static void await(CountDownLatch latch) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    @Override
    public boolean claims(DeviceName name) {
      if (name.config().startsWith("early/")
          && Thread.currentThread().getName().equals("obd-tcmu-events")) {
        await(deaf);
      }
      return name.hba() == OwnDevices.HBA;
    }

    @Override
    public BlockDevice open(DeviceName name) throws IOException {
      if (name.config().endsWith("/good")) {
        return new BlockDevice(
            name.device(), MemoryDisk.readOnly(content()), DeviceOptions.DEFAULTS);
      }
      if (name.config().endsWith("/slow")) {
        try {
          TimeUnit.MILLISECONDS.sleep(SLOW_MILLIS);
        } catch (InterruptedException e) {
          throw new IOException(e);
        }
      }
      throw new IOException("there is no image " + name.config());
    }

    @Override
    public void release(BlockDevice disk) throws IOException {
      disk.close();
    }

    @Override
    public void removed(DeviceName name) {}
  }

  @Test
  void anImageThatIsSlowToFailFailsItsDeviceAndOthersAreMadeMeanwhile() throws Exception {
    try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
      Future<HandledDevice> slow = executor.submit(() -> handling.create("slow", "late/slow"));
      HandledDevice good = handling.create("good", "late/good");
      assertThat(Sh.readDisk(good.node().orElseThrow().toString())).isEqualTo(content());
      TimeUnit.MILLISECONDS.sleep(SLOW_MILLIS - 1000);
      assertThat(slow).isNotDone();
      assertThat(handling.devices())
          .anySatisfy(device -> {
            assertThat(device.name()).isEqualTo("slow");
            assertThat(device.state()).isInstanceOf(State.Opening.class);
          });
      assertThatThrownBy(slow::get)
          .isInstanceOf(ExecutionException.class)
          .hasMessageContaining("there is no image late/slow");
      assertThat(handling.devices()).hasSize(1);
    }
  }

  /** Makes a device that is found, and whose taking over has failed, when its event is heard. */
  private Future<HandledDevice> makeEarly(ExecutorService executor, String config)
      throws Exception {
    var name = new DeviceName(OwnDevices.HBA, "early", config);
    Future<HandledDevice> made = executor.submit(() -> handling.create("early", config));
    Await.until(() -> UioDevice.list(KernelPaths.SYSTEM), list -> list.containsValue(name));
    lease.service().adoptExisting(images);
    Await.until(
        () -> lease.service().find(name).orElseThrow().state(), s -> s instanceof State.Parked);
    assertThat(made).isNotDone();
    images.deaf.countDown();
    return made;
  }

  @Test
  void aDeviceThatIsFoundBeforeItIsToldOfIsNotMadeIfItsImageFails() throws Exception {
    try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
      Future<HandledDevice> made = makeEarly(executor, "early/bad");
      assertThatThrownBy(() -> made.get(60, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasMessageContaining("there is no image early/bad");
      assertThat(handling.devices()).isEmpty();
    }
  }

  @Test
  void aDeviceThatIsFoundBeforeItIsToldOfIsServedIfItsImageOpens() throws Exception {
    try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
      HandledDevice made = makeEarly(executor, "early/good").get(60, TimeUnit.SECONDS);
      assertThat(made.state()).isInstanceOf(State.Serving.class);
      assertThat(Sh.readDisk(made.node().orElseThrow().toString())).isEqualTo(content());
    }
  }
}
