package dev.obd.kernelnbd;

import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.DeviceFrontendContract;
import dev.obd.backstore.device.Export;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;

/** The contract through the node. */
@InGuest
class NbdDeviceContractTest extends DeviceFrontendContract {
  @Override
  protected DeviceFrontend frontend() {
    return new NbdDeviceFrontend();
  }

  @Override
  protected URI where(Path directory) {
    return URI.create("nbd-device:///");
  }

  @Override
  protected Client connect(Export export) throws IOException {
    return new BlockDeviceClient(Path.of(export.address()));
  }
}
