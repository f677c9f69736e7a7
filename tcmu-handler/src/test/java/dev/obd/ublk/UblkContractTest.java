package dev.obd.ublk;

import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.DeviceFrontendContract;
import dev.obd.backstore.device.Export;
import dev.obd.kernelnbd.BlockDeviceClient;
import dev.obd.testdata.vm.Engine;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;

/** The contract through the node. */
@InGuest(engine = Engine.QEMU, limitSeconds = 900)
class UblkContractTest extends DeviceFrontendContract {
  @BeforeAll
  static void theGuestHasUblk() {
    GuestKernel.requireUblk();
  }

  @Override
  protected DeviceFrontend frontend() {
    return new UblkFrontend();
  }

  @Override
  protected URI where(Path directory) {
    return URI.create("ublk:///contract");
  }

  @Override
  protected Client connect(Export export) throws IOException {
    return new BlockDeviceClient(Path.of(export.address()));
  }
}
