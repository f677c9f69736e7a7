package dev.obd.backstore.fleet;

import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.Handling;
import dev.obd.backstore.device.Mounter;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Makes one attachment. What it has made so far is on disk, in its record, before the next step; a
 * step that fails undoes those before it, the last first.
 */
final class Attaching {
  /** Undoes one step. */
  @FunctionalInterface
  private interface Undo {
    void run() throws IOException, InterruptedException;
  }

  private final FleetContext context;
  private final OpenDevices devices;
  private final AttachmentImages images;
  private final AttachmentStore store;
  private final Doors doors;
  private final Attached attached;
  private final Deque<Undo> undo = new ArrayDeque<>();

  Attaching(
      FleetContext context,
      OpenDevices devices,
      AttachmentImages images,
      AttachmentStore store,
      Doors doors,
      Attached attached) {
    this.context = context;
    this.devices = devices;
    this.images = images;
    this.store = store;
    this.doors = doors;
    this.attached = attached;
  }

  /**
   * Attaches.
   *
   * @param kernelConfig what the kernel's configuration of the device says, if it goes by TCMU
   */
  void run(String kernelConfig) throws IOException, InterruptedException {
    try {
      undo.push(() -> store.delete(attached.record.name()));
      if (attached.record.door() == Door.TCMU) {
        handled(kernelConfig);
      } else {
        exported();
      }
      if (attached.record.mount().isPresent() && attached.record.door() != Door.FUSE) {
        mounted(attached.record.mount().get());
      }
      attached.record = attached.record.completed();
      store.save(attached.record);
      attached.state = new DeviceStatus.State.Serving();
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      undoAll(e);
      throw e;
    }
  }

  private void undoAll(Throwable cause) {
    // Not cut short by the interrupt that may be the very reason for it.
    boolean interrupted = Thread.interrupted();
    while (!undo.isEmpty()) {
      try {
        undo.remove().run();
      } catch (IOException e) {
        cause.addSuppressed(e);
      } catch (InterruptedException e) {
        interrupted = true;
        cause.addSuppressed(e);
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** The kernel announces the device to this process, which opens it by the attachment's name. */
  private void handled(String kernelConfig) throws IOException, InterruptedException {
    Handling handling = doors.tcmu();
    String name = attached.record.name();
    store.save(attached.record);
    HandledDevice made = handling.create(name, kernelConfig);
    undo.push(() -> handling.remove(name, true));
    attached.record = attached.record.at(made.node().map(Path::toString).orElse(""));
  }

  private void exported() throws IOException, InterruptedException {
    OpenDevice device = images.open(attached.record, attached.takeStartLog());
    undo.push(device.device()::close);
    if (attached.record.mount().isPresent() && attached.record.fsType().isEmpty()) {
      attached.record = attached.record.holding(AttachmentImages.fsType(device));
    }
    String name = attached.record.name();
    Path file = Files.createDirectories(context.home().run()).resolve(name + ".disk");
    URI where = URI.create(doors.where(attached.record, file, !device.device().writable()));
    Door door = attached.record.door();
    DeviceFrontend frontend = doors.frontend(door);
    Optional<String> missing = frontend.unavailableBecause(where);
    if (missing.isPresent()) {
      throw new FleetException(
          FleetException.Kind.UNSUPPORTED, door.label() + ": " + missing.get());
    }
    if (door == Door.FUSE && attached.record.mount().isPresent()) { // its front-end makes it
      attached.record = attached.record.mounting(!Files.exists(attached.record.mount().get()));
    }
    attached.record = attached.record.askedFor(where.toString());
    store.save(attached.record);
    checkInterrupt();
    Export export = frontend.export(device.device(), where);
    undo.push(() -> export.close(true));
    attached.device = device;
    attached.export = export;
    attached.record = attached.record.at(export.address());
  }

  private void mounted(Path directory) throws IOException {
    checkInterrupt();
    String name = attached.record.name();
    if (attached.record.node().isEmpty()) {
      throw new IOException(name + ": the kernel made no device node to mount");
    }
    Optional<OpenDevice> device = devices.find(name);
    if (device.isEmpty()) {
      throw new IOException(name + ": ended while it was being attached");
    }
    if (attached.record.fsType().isEmpty()) {
      attached.record = attached.record.holding(AttachmentImages.fsType(device.get()));
    }
    boolean made = !Files.exists(directory);
    attached.record = attached.record.mounting(made);
    store.save(attached.record);
    if (made) {
      Files.createDirectory(directory);
      undo.push(() -> Files.deleteIfExists(directory));
    }
    Mounter mounter = Mounting.by(context.mounter());
    mounter.mount(
        Path.of(attached.record.node()),
        directory,
        attached.record.fsType(),
        attached.record.mountOptions(),
        !device.get().device().writable());
    undo.push(() -> mounter.unmount(directory, true));
  }

  private void checkInterrupt() throws InterruptedIOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException(attached.record.name() + ": interrupted while attaching");
    }
  }
}
