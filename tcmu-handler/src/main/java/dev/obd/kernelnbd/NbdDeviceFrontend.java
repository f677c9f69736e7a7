package dev.obd.kernelnbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import dev.obd.io.Ticker;
import dev.obd.mount.PlatformThread;
import dev.obd.mount.Privileges;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.KernelFiles;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Shows a device as {@code /dev/nbdN} by the kernel's own NBD client, without help of other
 * programs. Scheme {@code nbd-device}; {@link NbdDeviceOptions} has the URI. Thread-safe.
 *
 * <p>When this process dies the kernel keeps the device, and requests wait, for as long as {@code
 * dead} says; {@link #resume} gives it a new server. What was answered to the old one is done; what
 * was not is sent again, after {@code timeout}, for the kernel does not look earlier.
 *
 * <p>What answers the kernel runs on platform threads: whoever uses the device in this process may
 * hold all carriers of virtual threads.
 */
public final class NbdDeviceFrontend implements DeviceFrontend {
  private static final Logger log = LogManager.getLogger(NbdDeviceFrontend.class);
  private static final Path RUN = Path.of("/run/obd-nbd");
  private static final Duration NODE_PATIENCE = Duration.ofSeconds(10);
  private static final Duration NODE_PAUSE = Duration.ofMillis(20);

  /** Transmission flags that Linux understands; it refuses none, but others are not its concern. */
  private static final int KERNEL_FLAGS = 0x017f;

  private static final int READ_ONLY = 1 << 1;
  private static final int CAN_MULTI_CONN = 1 << 8;
  private static final String BACKEND_PREFIX = "obd:";
  private static final int MAX_BACKEND_CHARS = 256;

  /** A device that is not there yet is made; more than this nobody has. */
  private static final int MAX_DEVICES = 4096;

  private final Ticker ticker;

  /** For {@link java.util.ServiceLoader}. */
  public NbdDeviceFrontend() {
    this(Ticker.SYSTEM);
  }

  NbdDeviceFrontend(Ticker ticker) {
    this.ticker = ticker;
  }

  @Override
  public String scheme() {
    return "nbd-device";
  }

  @Override
  public Optional<String> unavailableBecause() {
    if (!Files.isDirectory(NbdNode.MODULE)) {
      return Optional.of("the kernel has no NBD client: load the module (modprobe nbd)");
    }
    try {
      return Privileges.ofThisProcess().mayMount()
          ? Optional.empty()
          : Optional.of("attaching /dev/nbdN needs root (CAP_SYS_ADMIN)");
    } catch (IOException e) {
      return Optional.of("cannot tell who this process is: " + e.getMessage());
    }
  }

  @Override
  public Optional<String> unavailableBecause(URI where) {
    try {
      NbdDeviceOptions.parse(where);
      return unavailableBecause();
    } catch (IOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public Export export(BlockDevice device, URI where) throws IOException, InterruptedException {
    NbdDeviceOptions options = NbdDeviceOptions.parse(where);
    requireAvailable(where);
    return PlatformThread.call(() -> attach(device, options));
  }

  private void requireAvailable(URI where) throws IOException {
    Optional<String> missing = unavailableBecause();
    if (missing.isPresent()) {
      throw new IOException("cannot serve " + where + ": " + missing.get());
    }
  }

  private Export attach(BlockDevice device, NbdDeviceOptions options)
      throws IOException, InterruptedException {
    PrivateServer server = serve(device, options);
    Claim claim = null;
    boolean attached = false;
    try (NbdKernel kernel = NbdKernel.open()) {
      NbdKernel.Settings settings = settings(device, options, server);
      claim = connect(kernel, options, settings, server);
      awaitNode(kernel, claim.node());
      scan(claim.node());
      attached = true;
      log.info(
          "nbd.attached device={} node={} connections={}",
          device.id(),
          claim.node().path(),
          server.connections().size());
      return new NbdDeviceExport(device, options, settings, claim, server, ticker);
    } finally {
      if (attached) {
        server.connectionsAreHandedOver();
      } else {
        server.close();
        if (claim != null) {
          claim.close();
        }
      }
    }
  }

  private static PrivateServer serve(BlockDevice device, NbdDeviceOptions options)
      throws IOException, InterruptedException {
    Files.createDirectories(RUN);
    return PrivateServer.start(
        device, Files.createTempDirectory(RUN, "server"), options.connections());
  }

  private static NbdKernel.Settings settings(
      BlockDevice device, NbdDeviceOptions options, PrivateServer server) throws IOException {
    if (device.size() % options.blockBytes() != 0) {
      throw new IOException(
          "block: " + device.size() + " bytes are no multiple of " + options.blockBytes());
    }
    if (options.connections() > 1 && (server.flags() & CAN_MULTI_CONN) == 0) {
      throw new IOException("connections: the server allows one");
    }
    int flags = (server.flags() & KERNEL_FLAGS) | (options.readOnly() ? READ_ONLY : 0);
    return new NbdKernel.Settings(
        device.size(),
        options.blockBytes(),
        flags,
        backend(device),
        options.timeout(),
        options.dead());
  }

  /** What tells the device from others in sysfs: one line of printable characters. */
  private static String backend(BlockDevice device) {
    String id = device.id().replaceAll("[^\\x21-\\x7e]", "_");
    return BACKEND_PREFIX + id.substring(0, Math.min(id.length(), MAX_BACKEND_CHARS));
  }

  private static Claim connect(
      NbdKernel kernel, NbdDeviceOptions options, NbdKernel.Settings settings, PrivateServer server)
      throws IOException {
    Set<NbdNode> candidates = new LinkedHashSet<>();
    if (options.index().isPresent()) {
      candidates.add(new NbdNode(options.index().getAsInt()));
    } else {
      candidates.addAll(NbdNode.all());
      for (int i = 0; i < MAX_DEVICES; i++) {
        candidates.add(new NbdNode(i)); // those that are not there are made
      }
    }
    IOException busy = new IOException("there are " + MAX_DEVICES + " devices, all in use");
    for (NbdNode node : candidates) {
      if (node.isConnected()) {
        busy = new IOException(node.path() + " is in use");
        continue;
      }
      Optional<Claim> claim = Claim.of(node, RUN);
      if (claim.isEmpty()) {
        busy = new IOException(node.path() + " is about to be used by another process");
        continue;
      }
      boolean connected = false;
      try {
        kernel.connect(node, settings, server.connections());
        connected = true;
        return claim.get();
      } catch (ErrnoException e) {
        if (!e.is(Errno.EBUSY)) {
          throw e;
        }
        busy = e; // another program was faster
      } finally {
        if (!connected) {
          claim.get().close();
        }
      }
    }
    throw busy;
  }

  /** A device that was just made gets its node a moment later. */
  private void awaitNode(NbdKernel kernel, NbdNode node) throws IOException, InterruptedException {
    long giveUp = ticker.nanos() + NODE_PATIENCE.toNanos();
    try {
      while (Files.notExists(node.path())) {
        if (ticker.nanos() - giveUp >= 0) {
          throw new IOException(
              "there is no " + node.path() + ": a container must be given the host's devices");
        }
        ticker.sleep(NODE_PAUSE.toNanos());
      }
    } catch (IOException | InterruptedException e) {
      kernel.disconnect(node);
      throw e;
    }
  }

  /**
   * The first who opens the node reads the partition table, and everybody else who opens it waits
   * for that; so it is done here, and a client meets a device that is ready.
   */
  private static void scan(NbdNode node) {
    try {
      KernelFiles.isClaimed(node.path());
    } catch (IOException e) {
      log.warn("nbd.scan.failed node={} error={}", node.path(), e.getMessage());
    }
  }

  @Override
  public Optional<Export> resume(BlockDevice device, URI where, String address)
      throws IOException, InterruptedException {
    NbdDeviceOptions options = NbdDeviceOptions.parse(where);
    Path path = Path.of(address);
    Path name = path.getFileName();
    var index = NbdDeviceOptions.indexOf(name == null ? "" : name.toString());
    if (index.isEmpty() || unavailableBecause().isPresent()) {
      return Optional.empty();
    }
    var node = new NbdNode(index.getAsInt());
    if (!node.path().equals(path)
        || !node.isConnected()
        || !node.backend().orElse(backend(device)).equals(backend(device))) {
      return Optional.empty();
    }
    return Optional.of(PlatformThread.call(() -> takeOver(device, options, node)));
  }

  private Export takeOver(BlockDevice device, NbdDeviceOptions options, NbdNode node)
      throws IOException, InterruptedException {
    Claim claim =
        Claim.of(node, RUN)
            .orElseThrow(() -> new IOException(node.path() + " is served by another process"));
    PrivateServer server = null;
    boolean resumed = false;
    try (NbdKernel kernel = NbdKernel.open()) {
      requireSameDisk(device, node);
      server = serve(device, options);
      NbdKernel.Settings settings = settings(device, options, server);
      kernel.reconnect(node, settings, server.connections());
      resumed = true;
      log.info("nbd.resumed device={} node={}", device.id(), node.path());
      return new NbdDeviceExport(device, options, settings, claim, server, ticker);
    } finally {
      if (resumed && server != null) {
        server.connectionsAreHandedOver();
      } else {
        if (server != null) {
          server.close();
        }
        claim.close();
      }
    }
  }

  private static void requireSameDisk(BlockDevice device, NbdNode node) throws IOException {
    if (device.size() < node.size()) {
      throw new IOException(
          node.path() + ": size: expected " + node.size() + " or more, got " + device.size());
    }
    if (!device.writable() && !node.isReadOnly()) {
      throw new IOException(node.path() + " is writable, the device that is to serve it is not");
    }
  }

  @Override
  public List<String> clearStale(URI where) throws IOException {
    NbdDeviceOptions options = NbdDeviceOptions.parse(where);
    if (unavailableBecause().isPresent()) {
      return List.of();
    }
    var cleared = new ArrayList<String>();
    for (NbdNode node : NbdNode.all()) {
      boolean wanted = options.index().isEmpty() || options.index().getAsInt() == node.index();
      if (wanted && isOurs(node)) {
        Optional<Claim> claim = Claim.of(node, RUN);
        if (claim.isPresent()) { // so its server is dead
          try (Claim _ = claim.get();
              NbdKernel kernel = NbdKernel.open()) {
            kernel.disconnect(node);
            cleared.add("disconnected " + node.path());
            log.warn("nbd.stale.cleared node={}", node.path());
          }
        }
      }
    }
    return List.copyOf(cleared);
  }

  private static boolean isOurs(NbdNode node) throws IOException {
    return node.isConnected() && node.backend().orElse("").startsWith(BACKEND_PREFIX);
  }
}
