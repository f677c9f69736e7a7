package dev.obd.fuse;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import dev.obd.io.Ticker;
import dev.obd.nativeio.Fd;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * Shows a device as one regular file through FUSE, without help of other programs where the process
 * is root; on request with a loop device on the file and its file system mounted. Scheme {@code
 * fuse}; {@link FuseOptions} has the URI. Thread-safe.
 *
 * <p>The process must not read the file, the loop device or the mount itself from a virtual thread:
 * it would wait for its own answer on the thread that should give it.
 */
public final class FuseFrontend implements DeviceFrontend {
  private static final String DEFAULT_NAME = "disk";

  /** Two suffice for all a device can do on two processors; more only help to take turns. */
  private static final int READERS = Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 4);

  private static final Duration BUSY_PATIENCE = Duration.ofSeconds(1);
  private static final Duration BUSY_PAUSE = Duration.ofMillis(10);

  private final Ticker ticker;
  private final Executor waiting;

  /** For {@link java.util.ServiceLoader}. */
  public FuseFrontend() {
    this(Ticker.SYSTEM, task -> Thread.ofVirtual().name("obd-fuse-wait").start(task));
  }

  FuseFrontend(Ticker ticker, Executor waiting) {
    this.ticker = ticker;
    this.waiting = waiting;
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
        export.add("detach " + loop.path(), () -> loop.detach(options.force()));
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
    export.add("remove " + path, point::remove);
    Fd fuse = mounts.mount(path, readOnly);
    Session session;
    try {
      Privileges self = Privileges.ofThisProcess();
      var file = new OneFile(device.size(), !readOnly, self.user(), self.group(), Instant.now());
      session = Session.start(path.toString(), fuse, device, file, waiting, READERS);
    } catch (IOException | RuntimeException | Error e) {
      mounts.unmount(path, true);
      throw e;
    }
    export.add("end " + path, session::close);
    export.add("unmount " + path, () -> unmountFile(mounts, path, options));
    export.addressIs(path);
  }

  /**
   * A loop device lets go of the file a moment after it was detached, and tools that look at every
   * new file or device hold it open for a moment.
   */
  private void unmountFile(FuseMount mounts, Path path, FuseOptions options) throws IOException {
    long giveUp = ticker.nanos() + BUSY_PATIENCE.toNanos();
    while (true) {
      try {
        mounts.unmount(path, options.force());
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
    export.add("remove " + directory, point::remove);
    DiskMount disk =
        DiskMount.mount(loop, point.path(), options.fileSystem(), options.mountOptions(), readOnly);
    export.add("unmount " + directory, () -> disk.unmount(options.force()));
    export.addressIs(point.path());
  }
}
