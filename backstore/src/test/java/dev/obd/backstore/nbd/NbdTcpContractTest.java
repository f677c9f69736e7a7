package dev.obd.backstore.nbd;

import dev.obd.backstore.device.DeviceFrontend;
import java.net.URI;
import java.nio.file.Path;

class NbdTcpContractTest extends NbdContract {
  private final DeviceFrontend frontend = new NbdTcpFrontend();

  @Override
  protected DeviceFrontend frontend() {
    return frontend;
  }

  @Override
  protected URI where(Path directory) {
    return URI.create("nbd://127.0.0.1:0/disk");
  }
}
