package dev.obd.backstore.nbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.socket.Transport;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/** A unix socket without epoll, as on machines that are not Linux. */
class NbdNioContractTest extends NbdContract {
  private final DeviceFrontend frontend =
      new DeviceFrontend() {
        @Override
        public String scheme() {
          return "nbd+unix";
        }

        @Override
        public Optional<String> unavailableBecause() {
          return Optional.empty();
        }

        @Override
        public Export export(BlockDevice device, URI where)
            throws IOException, InterruptedException {
          NbdServer server =
              NbdServer.builder()
                  .transport(Transport.NIO)
                  .unix(Path.of(where.getPath()))
                  .export("disk", device)
                  .start();
          return new Export() {
            @Override
            public String address() {
              return server.uri("disk");
            }

            @Override
            public void close() throws IOException {
              server.close();
            }
          };
        }
      };

  @Override
  protected DeviceFrontend frontend() {
    return frontend;
  }

  @Override
  protected URI where(Path directory) {
    return directory.resolve("nio.sock").toUri();
  }
}
