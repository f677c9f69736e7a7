package dev.obd.ublk;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import dev.obd.io.Deadline;
import dev.obd.io.Ticker;
import dev.obd.mount.PlatformThread;
import dev.obd.mount.Privileges;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Shows a device as {@code /dev/ublkbN} through the kernel's ublk driver. Scheme {@code ublk}:
 * {@code ublk:///NAME}, by which a later process finds the device again; without a name the
 * device's own is taken. Needs root and Linux 6.12. Thread-safe.
 *
 * <p>When this process dies the kernel keeps the device, and requests wait until {@link #resume} or
 * {@link #clearStale}, however long that takes. What was not answered is sent again.
 *
 * <p>What answers the kernel runs on platform threads: whoever uses the device in this process may
 * hold all carriers of virtual threads.
 */
public final class UblkFrontend implements DeviceFrontend {
  private static final Logger log = LogManager.getLogger(UblkFrontend.class);

  /** Until the end of a process that was killed is complete. */
  private static final Duration TAKEOVER_PATIENCE = Duration.ofSeconds(30);

  private static final int LEAST_MAJOR = 6;
  private static final int LEAST_MINOR = 12;

  private final Ticker ticker;
  private final Executor workers;

  /** For {@link java.util.ServiceLoader}. */
  public UblkFrontend() {
    this(
        Ticker.SYSTEM,
        Executors.newCachedThreadPool(
            Thread.ofPlatform().name("obd-ublk-io-", 0).daemon().factory()));
  }

  UblkFrontend(Ticker ticker, Executor workers) {
    this.ticker = ticker;
    this.workers = workers;
  }

  @Override
  public String scheme() {
    return "ublk";
  }

  @Override
  public Optional<String> unavailableBecause() {
    String kernel = System.getProperty("os.version", "");
    if (!isRecent(kernel)) {
      return Optional.of(
          "ublk needs Linux " + LEAST_MAJOR + "." + LEAST_MINOR + " or later, this is " + kernel);
    }
    if (Files.notExists(Control.DEVICE)) {
      return Optional.of("the kernel has no ublk: load the module (modprobe ublk_drv)");
    }
    try {
      if (!Privileges.ofThisProcess().mayMount()) {
        return Optional.of("making /dev/ublkbN needs root (CAP_SYS_ADMIN)");
      }
      try (Control control = Control.open()) {
        long missing = Features.NEEDED & ~control.features();
        return missing == 0
            ? Optional.empty()
            : Optional.of("the kernel's ublk lacks features 0x" + Long.toHexString(missing));
      }
    } catch (IOException | LinkageError e) {
      return Optional.of("ublk cannot be used: " + e.getMessage());
    }
  }

  /** True if {@code release}, as uname has it, is one that this was tried with, or later. */
  static boolean isRecent(String release) {
    String[] parts = release.split("[^0-9]", 3);
    try {
      int major = Integer.parseInt(parts[0]);
      int minor = parts.length > 1 ? Integer.parseInt(parts[1]) : 0;
      return major > LEAST_MAJOR || (major == LEAST_MAJOR && minor >= LEAST_MINOR);
    } catch (NumberFormatException _) {
      return false;
    }
  }

  @Override
  public Optional<String> unavailableBecause(URI where) {
    try {
      name(where);
    } catch (IOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
    return unavailableBecause();
  }

  /** Empty if none is given. */
  private static String name(URI where) throws IOException {
    String path = where.getPath();
    if (where.getHost() != null
        || path == null
        || !path.startsWith("/")
        || where.getRawQuery() != null) {
      throw new IOException("expected ublk:///name, got " + where);
    }
    return path.substring(1);
  }

  private static DeviceTag tag(BlockDevice device, String name) {
    return DeviceTag.of(name.isEmpty() ? device.id() : name);
  }

  // ---- a new device

  @Override
  public Export export(BlockDevice device, URI where) throws IOException, InterruptedException {
    DeviceTag tag = tag(device, name(where));
    Optional<String> missing = unavailableBecause();
    if (missing.isPresent()) {
      throw new IOException("cannot serve " + where + ": " + missing.get());
    }
    return PlatformThread.call(() -> attach(device, tag));
  }

  private Export attach(BlockDevice device, DeviceTag tag) throws IOException {
    try (Control control = Control.open()) {
      DeviceInfo wanted =
          DeviceInfo.wanted(Queue.DEPTH, Queue.MAX_BYTES, process(), Features.NEEDED, tag);
      DeviceInfo made = control.add(wanted);
      var node = new UblkNode(made.number());
      @Nullable UblkExport export = null;
      boolean attached = false;
      try {
        requireServable(made);
        control.setParameters(node.number(), Parameters.of(device), Queue.MAX_BYTES);
        export = UblkExport.serve(device, node, node.open(ticker), ticker, workers);
        control.start(node.number(), process());
        node.awaitDisk(ticker);
        attached = true;
        log.info("ublk.attached device={} node={}", device.id(), node.disk());
        return export;
      } finally {
        if (!attached) {
          undo(control, node, export);
        }
      }
    }
  }

  /** The kernel changes what it cannot do. */
  private static void requireServable(DeviceInfo made) throws IOException {
    if (made.queues() != 1
        || made.depth() != Queue.DEPTH
        || made.maxBytes() != Queue.MAX_BYTES
        || (made.features() & Features.NEEDED) != Features.NEEDED) {
      throw new IOException("ublk: the kernel made another device than was asked for: " + made);
    }
  }

  private static void undo(Control control, UblkNode node, @Nullable UblkExport export) {
    try {
      if (export != null) {
        export.close(true);
      } else {
        control.remove(node.number());
      }
    } catch (IOException e) {
      log.warn("ublk.undo.failed node={}", node.disk(), e);
    }
  }

  private static int process() {
    return (int) ProcessHandle.current().pid();
  }

  // ---- a device that is there

  @Override
  public Optional<Export> resume(BlockDevice device, URI where, String address)
      throws IOException, InterruptedException {
    DeviceTag tag = tag(device, name(where));
    Optional<UblkNode> node = UblkNode.ofDisk(address);
    if (node.isEmpty() || unavailableBecause().isPresent()) {
      return Optional.empty();
    }
    return PlatformThread.call(() -> takeOver(device, tag, node.get()));
  }

  private Optional<Export> takeOver(BlockDevice device, DeviceTag tag, UblkNode node)
      throws IOException {
    try (Control control = Control.open()) {
      Optional<DeviceInfo> found = control.info(node.number());
      if (found.isEmpty()
          || found.get().state() == DeviceInfo.State.DEAD
          || !found.get().ours().equals(Optional.of(tag))) {
        return Optional.empty();
      }
      requireServable(found.get());
      Parameters before = control.parameters(node.number());
      requireSameDisk(device, node, before);
      awaitRecovery(control, node);
      UblkExport export = UblkExport.serve(device, node, node.open(ticker), ticker, workers);
      boolean resumed = false;
      try {
        control.endRecovery(node.number(), process());
        resumed = true;
      } finally {
        if (!resumed) {
          export.leave();
        }
      }
      log.info("ublk.resumed device={} node={}", device.id(), node.disk());
      if (device.size() != before.size()) {
        export.resized().ifPresent(text -> log.warn("ublk.size node={} {}", node.disk(), text));
      }
      return Optional.of(export);
    }
  }

  private static void requireSameDisk(BlockDevice device, UblkNode node, Parameters before)
      throws IOException {
    if (device.size() < before.size()) {
      throw new IOException(
          node.disk() + ": size: expected " + before.size() + " or more, got " + device.size());
    }
    if (device.writable() != before.writable()) {
      throw new IOException(
          node.disk()
              + (before.writable() ? " is writable" : " is read-only")
              + ", the device that is to serve it is not");
    }
  }

  /** The kernel refuses as long as the process before us has not quite ended. */
  private void awaitRecovery(Control control, UblkNode node) throws IOException {
    Deadline end = Deadline.after(ticker, TAKEOVER_PATIENCE);
    while (true) {
      try {
        control.startRecovery(node.number());
        return;
      } catch (ErrnoException e) {
        if (e.is(Errno.EINVAL)) {
          return; // one who began before us has died since; who lives has the server's file
        }
        if (!e.is(Errno.EBUSY)) {
          throw e;
        }
        UblkNode.pause(ticker, end, node.disk() + " is served by another process");
      }
    }
  }

  // ---- what nobody serves

  @Override
  public List<String> clearStale(URI where) throws IOException {
    String name = name(where);
    if (unavailableBecause().isPresent()) {
      return List.of();
    }
    return PlatformThread.callUninterrupted(() -> clear(name));
  }

  private static List<String> clear(String name) throws IOException {
    var cleared = new ArrayList<String>();
    for (UblkNode node : UblkNode.all()) {
      try (Control control = Control.open()) {
        if (isStale(control, node, name) && remove(control, node)) {
          cleared.add("removed " + node.disk());
          log.warn("ublk.stale.cleared node={}", node.disk());
        }
      }
    }
    return List.copyOf(cleared);
  }

  /** True if it is ours and has this name, if one is given; it may be served all the same. */
  private static boolean isStale(Control control, UblkNode node, String name) throws IOException {
    Optional<DeviceInfo> info = control.info(node.number());
    Optional<DeviceTag> tag = info.flatMap(DeviceInfo::ours);
    if (tag.isEmpty() || !(name.isEmpty() || tag.get().equals(DeviceTag.of(name)))) {
      return false;
    }
    // One that is being made has no server for a moment.
    boolean starting = info.get().state() == DeviceInfo.State.DEAD && info.get().process() > 0;
    return !starting || Files.notExists(Path.of("/proc", "" + info.get().process()));
  }

  /** False if a process serves it: it has the server's file. */
  private static boolean remove(Control control, UblkNode node) throws IOException {
    Optional<Fd> file;
    try {
      file = node.tryOpen();
    } catch (ErrnoException e) {
      if (e.is(Errno.ENOENT) || e.is(Errno.ENXIO) || e.is(Errno.ENODEV)) {
        return false; // it went away
      }
      throw e;
    }
    if (file.isEmpty()) {
      return false;
    }
    file.get().close();
    control.remove(node.number());
    return true;
  }
}
