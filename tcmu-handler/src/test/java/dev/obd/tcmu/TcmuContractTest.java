package dev.obd.tcmu;

import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.DeviceFrontendContract;
import dev.obd.backstore.device.Export;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;

/** The contract through a SCSI disk. */
@InGuest
class TcmuContractTest extends DeviceFrontendContract {
  @Override
  protected DeviceFrontend frontend() {
    return new TcmuFrontend();
  }

  @Override
  protected URI where(Path directory) {
    return URI.create("tcmu:///contract");
  }

  @Override
  protected Client connect(Export export) throws IOException {
    return new SdClient(Path.of(export.address()));
  }
}
