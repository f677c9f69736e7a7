package dev.obd.backstore.nbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;

/** Serves devices over NBD at {@code nbd:} addresses; see {@link NbdUri}. */
public final class NbdTcpFrontend implements DeviceFrontend {
  private final NbdListeners listeners = new NbdListeners();

  @Override
  public String scheme() {
    return NbdUri.TCP;
  }

  @Override
  public Optional<String> unavailableBecause() {
    return Optional.empty(); // Netty's NIO transport runs wherever Java does
  }

  @Override
  public Optional<String> unavailableBecause(URI where) {
    return NbdUri.problem(where);
  }

  @Override
  public Export export(BlockDevice device, URI where) throws IOException, InterruptedException {
    return listeners.export(device, NbdUri.parse(where), null);
  }
}
