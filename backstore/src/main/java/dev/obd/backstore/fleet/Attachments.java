package dev.obd.backstore.fleet;

import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.Handling;
import dev.obd.backstore.fleet.DeviceStatus.State;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.prefetch.TraceChoice;
import dev.obd.io.FailureText;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/** What users have attached, by name. Thread-safe. */
final class Attachments {
  private static final Logger log = LogManager.getLogger(Attachments.class);

  private final FleetContext context;
  private final OpenDevices devices;
  private final AttachmentImages images;
  private final AttachmentStore store;
  private final ConcurrentHashMap<String, Attached> byName = new ConcurrentHashMap<>();

  Attachments(FleetContext context, OpenDevices devices, AttachmentStore store) {
    this.context = context;
    this.devices = devices;
    this.images = new AttachmentImages(context, devices);
    this.store = store;
  }

  Collection<Attached> all() {
    return List.copyOf(byName.values());
  }

  Optional<Attached> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  AttachmentImages images() {
    return images;
  }

  AttachmentStore store() {
    return store;
  }

  /** By name, device node or mount point. */
  Attached require(String what) throws FleetException {
    @Nullable Attached named = byName.get(what);
    if (named != null) {
      return named;
    }
    if (what.startsWith("/")) {
      Path path = Path.of(what).normalize();
      for (Attached a : byName.values()) {
        if (a.record.mount().equals(Optional.of(path)) || a.record.node().equals(path.toString())) {
          return a;
        }
      }
    }
    throw new FleetException(
        FleetException.Kind.UNKNOWN, "nothing called '" + what + "' is attached");
  }

  /** Takes in what an earlier process attached. */
  Attached adopt(Attachment record) {
    Attached a = new Attached(record);
    byName.put(record.name(), a);
    return a;
  }

  // ---- attaching

  /**
   * Attaches what {@code request} asks for.
   *
   * @param subtype what the kernel's configuration of our devices begins with
   */
  Attached attach(AttachRequest request, Doors doors, String subtype)
      throws IOException, InterruptedException {
    Doors.Choice choice = doors.choose(request.door());
    if (!choice.passedOver().isEmpty()) {
      log.info("attach.door door={} passedOver={}", choice.door().label(), choice.passedOver());
    }
    if (request.mount().isPresent() && choice.door() != Door.FUSE) {
      var _ = Mounting.by(context.mounter()); // known before anything is made
    }
    requireRecorded(request);
    Attached a = reserve(request, choice.door());
    try {
      new Attaching(context, devices, images, store, doors, a).run(subtype + "/" + a.record.name());
      log.info(
          "attached name={} door={} node={}", a.record.name(), a.record.door(), a.record.node());
      return a;
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      forget(a);
      throw e;
    } finally {
      a.lock.unlock();
    }
  }

  /** A new attachment with its lock held. */
  private Attached reserve(AttachRequest request, Door door) throws FleetException {
    if (request.upper().isPresent() && !request.writable()) {
      throw new IllegalArgumentException("upper: only a writable attachment has one");
    }
    Optional<Path> mount = request.mount().map(Path::normalize);
    if (mount.isPresent() && !mount.get().isAbsolute()) {
      throw new IllegalArgumentException("mount: expected an absolute path, got " + mount.get());
    }
    synchronized (byName) {
      for (Attached other : byName.values()) {
        if (mount.isPresent() && other.record.mount().equals(mount)) {
          throw new FleetException(
              FleetException.Kind.CONFLICT,
              mount.get()
                  + " is the mount point of "
                  + other.record.name()
                  + ", which is attached");
        }
      }
      String name =
          request.name().isPresent()
              ? AttachmentNames.checked(request.name().get())
              : AttachmentNames.from(request.source(), byName::containsKey);
      if (byName.containsKey(name)) {
        throw new FleetException(
            FleetException.Kind.CONFLICT, "something called " + name + " is attached already");
      }
      Attached a =
          new Attached(
              new Attachment(
                  name,
                  request.source(),
                  door,
                  "",
                  "",
                  mount,
                  false,
                  request.fsType().orElse(""),
                  request.mountOptions(),
                  request.writable(),
                  request.upper().map(Path::normalize),
                  request.replay(),
                  request.prefetch(),
                  context.clock().instant(),
                  false),
              request.startLog());
      a.lock.lock();
      byName.put(name, a);
      return a;
    }
  }

  /** Who asks for the runs of one program, or for a file, is told if there are none. */
  private void requireRecorded(AttachRequest request) throws IOException {
    TraceChoice trace = request.replay().trace();
    if (trace instanceof TraceChoice.Named || trace instanceof TraceChoice.File) {
      ImagePlan plan = context.plans().resolve(request.source()).plan();
      try {
        plan.requireRecorded(trace);
      } catch (IOException e) {
        throw new IllegalArgumentException("trace: " + FailureText.of(e), e);
      }
    }
  }

  private void forget(Attached a) {
    a.gone = true;
    byName.remove(a.record.name(), a);
  }

  // ---- detaching

  /**
   * Takes an attachment away.
   *
   * @throws BusyException if it is in use and not forced; it stays attached
   */
  void detach(String what, boolean force, Doors doors) throws IOException, InterruptedException {
    Attached a = require(what);
    if (!a.lock.tryLock()) {
      throw new FleetException(
          FleetException.Kind.CONFLICT, a.record.name() + ": is being attached or detached");
    }
    try {
      if (a.gone) {
        throw new FleetException(
            FleetException.Kind.UNKNOWN, "nothing called '" + what + "' is attached");
      }
      takeAway(a, force, doors);
      forget(a);
      log.info("detached name={}", a.record.name());
    } finally {
      a.lock.unlock();
    }
  }

  private void takeAway(Attached a, boolean force, Doors doors)
      throws IOException, InterruptedException {
    boolean lost = a.state instanceof State.Lost;
    if (a.record.door() == Door.UBLK && a.export == null) {
      clearUnserved(a, lost || force, doors);
    }
    if (a.record.door() != Door.FUSE) {
      if (lost) {
        Mounting.unmountOwn(context.mounter(), a.record.node(), a.record.mount());
      } else {
        Mounting.unmountAll(context.mounter(), a.record.node(), a.record.mount(), force);
      }
    }
    if (lost || a.record.door() != Door.FUSE) {
      removeMountPoint(a.record); // that of a front-end, too, if it could not do so itself
    }
    if (lost) {
      store.delete(a.record.name());
      return;
    }
    if (a.record.door() == Door.TCMU) {
      removeHandled(a, force, doors);
      store.delete(a.record.name());
      return;
    }
    @Nullable Export export = a.export;
    if (export != null) {
      export.close(force);
      a.export = null;
    }
    store.delete(a.record.name());
    @Nullable OpenDevice device = a.device;
    if (device != null) {
      device.device().close(); // last: that its changes cannot be flushed must not keep the rest
    }
  }

  /**
   * First of all, for what waits for such a device would wait for ever, unmounting too.
   *
   * @param force even if it may be served again
   */
  private static void clearUnserved(Attached a, boolean force, Doors doors) throws IOException {
    if (!force) {
      throw new BusyException(
          a.record.name() + " is not served now and what uses it waits; force takes it away");
    }
    if (!a.record.where().isEmpty()) {
      doors.frontend(Door.UBLK).clearStale(URI.create(a.record.where()));
    }
  }

  private void removeHandled(Attached a, boolean force, Doors doors)
      throws IOException, InterruptedException {
    String name = a.record.name();
    Handling handling = doors.tcmu();
    try {
      handling.remove(name, force);
    } catch (BusyException e) {
      mountAgain(a, e);
      throw e;
    } catch (IOException e) {
      if (handling.devices().stream().anyMatch(d -> d.name().equals(name))) {
        throw e;
      }
      log.info("detach.gone name={} reason={}", name, e.toString()); // removed by hand before
    }
  }

  /** What stays attached stays as it was. */
  private void mountAgain(Attached a, BusyException cause) {
    Optional<Path> mount = a.record.mount();
    Optional<OpenDevice> device = devices.find(a.record.name());
    if (mount.isEmpty() || device.isEmpty()) {
      return;
    }
    try {
      Files.createDirectories(mount.get());
      Mounting.by(context.mounter())
          .mount(
              Path.of(a.record.node()),
              mount.get(),
              a.record.fsType(),
              a.record.mountOptions(),
              !device.get().device().writable());
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  /** The directory that was made for the mount goes with it, unless somebody uses it. */
  void removeMountPoint(Attachment record) throws IOException {
    if (!record.mountMade() || record.mount().isEmpty()) {
      return;
    }
    Path directory = record.mount().get();
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      return; // what is there now, if anything, was not made for it
    }
    try {
      Files.deleteIfExists(directory);
    } catch (FileSystemException e) { // not empty, or a mount point of somebody else's
      log.info("detach.mountpoint.kept directory={} reason={}", directory, e.toString());
    }
  }
}
