package dev.obd.backstore.nbd;

import dev.obd.backstore.device.DeviceFrontendContract;
import dev.obd.backstore.device.Export;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;

/** The contract through {@link NbdClient}. */
abstract class NbdContract extends DeviceFrontendContract {
  @Override
  protected Client connect(Export export) throws IOException {
    var client = NbdClient.connect(URI.create(export.address()), Duration.ofSeconds(30));
    return new Client() {
      @Override
      public void read(long offset, ByteBuffer dst) throws IOException {
        client.read(offset, dst);
      }

      @Override
      public void write(long offset, ByteBuffer src) throws IOException {
        client.write(offset, src);
      }

      @Override
      public void discard(long offset, long length) throws IOException {
        client.trim(offset, length);
      }

      @Override
      public void flush() throws IOException {
        client.flush();
      }

      @Override
      public void close() throws IOException {
        client.close();
      }
    };
  }
}
