package dev.obd.backstore.nbd;

import dev.obd.backstore.device.DeviceFrontend;
import java.net.URI;
import java.nio.file.Path;

class NbdUnixContractTest extends NbdContract {
  private final DeviceFrontend frontend = new NbdUnixFrontend();

  @Override
  protected DeviceFrontend frontend() {
    return frontend;
  }

  @Override
  protected URI where(Path directory) {
    return URI.create(NbdUri.ofUnix(directory.resolve("nbd.sock"), "disk").toString());
  }
}
