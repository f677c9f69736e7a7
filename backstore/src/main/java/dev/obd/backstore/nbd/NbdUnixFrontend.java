package dev.obd.backstore.nbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** Serves devices over NBD at {@code nbd+unix:} addresses; see {@link NbdUri}. */
public final class NbdUnixFrontend implements DeviceFrontend {
  private final NbdListeners listeners = new NbdListeners();
  private final Executor workers =
      Executors.newCachedThreadPool(
          Thread.ofPlatform().name("obd-nbd-worker-", 0).daemon().factory());

  @Override
  public String scheme() {
    return NbdUri.UNIX;
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
    return listeners.export(
        device, NbdUri.parse(where), NbdUri.asksForPlatformThreads(where) ? workers : null);
  }
}
