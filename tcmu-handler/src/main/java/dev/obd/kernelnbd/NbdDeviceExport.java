package dev.obd.kernelnbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Export;
import dev.obd.io.Ticker;
import dev.obd.mount.NodeUsers;
import dev.obd.mount.PlatformThread;
import java.io.IOException;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** A device at {@code /dev/nbdN}. */
final class NbdDeviceExport implements Export {
  private static final Logger log = LogManager.getLogger(NbdDeviceExport.class);

  private final BlockDevice device;
  private final NbdDeviceOptions options;
  private final NbdKernel.Settings settings;
  private final Claim claim;
  private final PrivateServer server;
  private final Ticker ticker;
  private boolean closed; // guarded by this

  NbdDeviceExport(
      BlockDevice device,
      NbdDeviceOptions options,
      NbdKernel.Settings settings,
      Claim claim,
      PrivateServer server,
      Ticker ticker) {
    this.device = device;
    this.options = options;
    this.settings = settings;
    this.claim = claim;
    this.server = server;
    this.ticker = ticker;
  }

  private NbdNode node() {
    return claim.node();
  }

  @Override
  public String address() {
    return node().path().toString();
  }

  @Override
  public Optional<String> resized() throws IOException {
    try (NbdKernel kernel = NbdKernel.open()) {
      var now =
          new NbdKernel.Settings(
              device.size(),
              settings.blockBytes(),
              settings.flags(),
              settings.backend(),
              settings.timeout(),
              settings.dead());
      kernel.resize(node(), now);
      return Optional.empty();
    }
  }

  /** The kernel keeps the device, and its requests, as long as {@code dead} says. */
  @Override
  public boolean leave() throws IOException {
    return PlatformThread.callUninterrupted(this::leaveToNext);
  }

  private synchronized boolean leaveToNext() throws IOException {
    if (closed || options.dead().isZero()) {
      return false;
    }
    closed = true;
    try {
      server.close(); // answers what it works on; the kernel keeps the rest
    } finally {
      claim.close();
    }
    log.info("nbd.left device={} node={}", device.id(), node().path());
    return true;
  }

  @Override
  public void close() throws IOException {
    close(options.force());
  }

  @Override
  public void close(boolean force) throws IOException {
    PlatformThread.callUninterrupted(() -> {
      detach(force);
      return "";
    });
  }

  private synchronized void detach(boolean force) throws IOException {
    if (closed) {
      return;
    }
    if (!force && node().isConnected()) {
      NodeUsers.requireNone(node().path(), ticker);
    }
    try (NbdKernel kernel = NbdKernel.open()) {
      kernel.disconnect(node());
    }
    log.info("nbd.detached device={} node={}", device.id(), node().path());
    closed = true;
    try {
      server.close();
    } finally {
      claim.close();
    }
  }
}
