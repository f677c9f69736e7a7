package dev.obd.fuse;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import dev.obd.io.Ticker;
import dev.obd.mount.DiskMount;
import dev.obd.mount.MountPoint;
import dev.obd.mount.MountTable;
import dev.obd.mount.PlatformThread;
import dev.obd.mount.Privileges;
import dev.obd.nativeio.Fd;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/**
 * Shows a device as one regular file through FUSE, without help of other programs where the process
 * is root; on request with a loop device on the file and its file system mounted. Scheme {@code
 * fuse}; {@link FuseOptions} has the URI. Thread-safe.
 *
 * <p>A process should leave the file, the loop device and the mount to other processes. If it uses
 * them all the same, or starts a program from the mount, then on a platform thread: what the device
 * needs to answer may run on virtual threads, and those wait for a carrier as long as system calls
 * hold them all.
 */
public final class FuseFrontend implements DeviceFrontend {
  private static final String DEFAULT_NAME = "disk";

  /** Two suffice for all a device can do on two processors; more only help to take turns. */
  private static final int READERS = Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 4);

  private static final Duration BUSY_PATIENCE = Duration.ofSeconds(1);
  private static final Duration BUSY_PAUSE = Duration.ofMillis(10);

  private final Ticker ticker;
  private final Executor workers;

  /** For {@link java.util.ServiceLoader}. */
  public FuseFrontend() {
    this(
        Ticker.SYSTEM,
        Executors.newCachedThreadPool(
            Thread.ofPlatform().name("obd-fuse-worker-", 0).daemon().factory()));
  }

  FuseFrontend(Ticker ticker, Executor workers) {
    this.ticker = ticker;
    this.workers = workers;
  }

  @Override
  public String scheme() {
    return "fuse";
  }

  @Override
  public Optional<String> unavailableBecause() {
    return Requirements.missingForFile();
  }

  @Override
  public Optional<String> unavailableBecause(URI where) {
    try {
      return Requirements.missingFor(FuseOptions.parse(where));
    } catch (IOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public Export export(BlockDevice device, URI where) throws IOException, InterruptedException {
    FuseOptions options = FuseOptions.parse(where);
    Optional<String> missing = Requirements.missingFor(options);
    if (missing.isPresent()) {
      throw new IOException("cannot serve " + where + ": " + missing.get());
    }
    return PlatformThread.call(() -> setUp(device, options));
  }

  @Override
  public List<String> clearStale(URI where) throws IOException {
    FuseOptions options = FuseOptions.parse(where);
    return PlatformThread.callUninterrupted(() -> {
      List<String> cleared = new ArrayList<>();
      Path file = file(options);
      if (options.mount().isPresent()) {
        Path at = MountPoint.withRealParent(options.mount().get());
        if (StaleMounts.clearDisk(at, file)) {
          cleared.add("the dead mount at " + at);
        }
      }
      if (StaleMounts.clearFile(file, FuseMount.forThisProcess())) {
        cleared.add("the dead mount of " + file);
      }
      return cleared;
    });
  }

  private Export setUp(BlockDevice device, FuseOptions options) throws IOException {
    var export = new FuseExport();
    try {
      Path file = file(options);
      Optional<Path> directory = Optional.empty();
      if (options.mount().isPresent()) {
        Path at = MountPoint.withRealParent(options.mount().get());
        StaleMounts.clearDisk(at, file);
        directory = Optional.of(at);
      }
      boolean readOnly = options.readOnly() || !device.writable();
      serveFile(device, file, readOnly, options, export);
      if (options.loop()) {
        LoopDevice loop = LoopDevice.attach(file, readOnly);
        export.add("detach " + loop.path(), force -> loop.detach(force || options.force()));
        export.addResize(loop::sizeChanged);
        export.addressIs(loop.path());
        if (directory.isPresent()) {
          mountDisk(loop.path(), directory.get(), readOnly, options, export);
        }
      }
      return export;
    } catch (IOException | RuntimeException | Error e) {
      export.abandon(e);
      throw e;
    }
  }

  private static Path file(FuseOptions options) throws IOException {
    Path path = options.file();
    return MountPoint.withRealParent(Files.isDirectory(path) ? path.resolve(DEFAULT_NAME) : path);
  }

  private void serveFile(
      BlockDevice device, Path path, boolean readOnly, FuseOptions options, FuseExport export)
      throws IOException {
    FuseMount mounts = FuseMount.forThisProcess();
    StaleMounts.clearFile(path, mounts);
    MountPoint point = MountPoint.file(path);
    export.add("remove " + path, force -> point.remove());
    Fd fuse = mounts.mount(path, readOnly);
    try {
      Privileges self = Privileges.ofThisProcess();
      var file = new OneFile(device::size, !readOnly, self.user(), self.group(), Instant.now());
      var calls = new DeviceCalls(device, workers);
      Session session = Session.start(path.toString(), fuse, calls, file, READERS);
      export.add("end " + path, force -> session.close());
      export.addResize(() -> {
        session.sizeChanged();
        Files.size(path); // so that the kernel asks now
      });
      export.add(
          "unmount " + path,
          force -> {
            session.expectEnd(true);
            try {
              unmountFile(mounts, path, force || options.force());
            } catch (IOException e) {
              session.expectEnd(false);
              throw e;
            }
          });
    } catch (IOException | RuntimeException | Error e) {
      mounts.unmount(path, true);
      throw e;
    }
    export.addressIs(path);
  }

  /**
   * A loop device lets go of the file a moment after it was detached, and tools that look at every
   * new file or device hold it open for a moment.
   */
  private void unmountFile(FuseMount mounts, Path path, boolean force) throws IOException {
    long giveUp = ticker.nanos() + BUSY_PATIENCE.toNanos();
    while (MountTable.read().has(path, FuseMount.TYPE)) { // else somebody was faster
      try {
        mounts.unmount(path, force);
        return;
      } catch (BusyException e) {
        if (ticker.nanos() - giveUp >= 0) {
          throw e;
        }
      }
      try {
        ticker.sleep(BUSY_PAUSE.toNanos());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting for " + path, e);
      }
    }
  }

  private static void mountDisk(
      Path loop, Path directory, boolean readOnly, FuseOptions options, FuseExport export)
      throws IOException {
    MountPoint point = MountPoint.directory(directory);
    export.add("remove " + directory, force -> point.remove());
    DiskMount disk =
        DiskMount.mount(loop, point.path(), options.fileSystem(), options.mountOptions(), readOnly);
    export.add(
        "unmount " + directory,
        force -> {
          if (MountTable.read().has(point.path(), options.fileSystem())) {
            disk.unmount(force || options.force());
          }
        });
    export.addressIs(point.path());
  }
}
