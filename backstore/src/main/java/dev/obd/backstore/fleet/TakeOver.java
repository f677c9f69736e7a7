package dev.obd.backstore.fleet;

import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.Handling;
import dev.obd.backstore.fleet.AttachmentStore.Unreadable;
import dev.obd.backstore.fleet.DeviceStatus.State;
import dev.obd.io.FailureText;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * What an earlier process attached and did not detach: taken over where the kernel has kept it,
 * parked and tried again where only its image is away, shown as lost where nothing is left.
 */
final class TakeOver {
  private static final Logger log = LogManager.getLogger(TakeOver.class);
  private static final int MOST_DOUBLINGS = 5;

  private final FleetContext context;
  private final Attachments attachments;
  private final String subtype;
  private List<Unreadable> unreadable = List.of(); // guarded by this
  private volatile boolean closed;

  TakeOver(FleetContext context, Attachments attachments, String subtype) {
    this.context = context;
    this.attachments = attachments;
    this.subtype = subtype;
  }

  /** Reads the records. Before the handler starts: the kernel may ask for them at once. */
  void load() throws IOException {
    AttachmentStore.Loaded found = attachments.store().load();
    synchronized (this) {
      unreadable = List.copyOf(found.unreadable());
    }
    for (Unreadable file : found.unreadable()) {
      log.error("attachment.record.unreadable file={} reason={}", file.file(), file.reason());
    }
    found.attachments().forEach(attachments::adopt);
  }

  /** Takes over what the kernel's handler did not ask for by itself. */
  void run(Doors doors) {
    for (Attached a : attachments.all()) {
      if (!a.record.complete()) {
        lost(a, "the process that was attaching it died");
      } else if (a.record.door() == Door.TCMU) {
        if (handled(doors, a).isEmpty()) {
          lost(
              a,
              doors.handling().isPresent()
                  ? "the kernel has no such device any more"
                  : "it went by tcmu, which is not served now");
        } else {
          a.state = new State.Serving(); // or whatever the handler says
        }
      } else {
        context.threads().execute(() -> resume(a, doors));
      }
    }
  }

  private static void lost(Attached a, String reason) {
    a.state = new State.Lost(reason);
    log.warn("attachment.lost name={} reason={}", a.record.name(), reason);
  }

  Optional<HandledDevice> handled(Doors doors, Attached a) {
    String config = subtype + "/" + a.record.name();
    return doors.handling().stream()
        .flatMap(handling -> handling.devices().stream())
        .filter(device -> device.config().equals(config))
        .findFirst();
  }

  private void resume(Attached a, Doors doors) {
    a.lock.lock();
    try {
      if (!a.gone && !closed) {
        resumeLocked(a, doors);
      }
    } finally {
      a.lock.unlock();
    }
  }

  private void resumeLocked(Attached a, Doors doors) {
    DeviceFrontend frontend;
    URI where;
    try {
      where = URI.create(a.record.where());
      frontend = doors.frontend(a.record.door());
      if (a.record.door() == Door.FUSE) { // ends with its process
        List<String> cleared = frontend.clearStale(where);
        lost(
            a,
            "its process ended"
                + (cleared.isEmpty() ? "" : "; cleared " + String.join(", ", cleared)));
        return;
      }
    } catch (IOException | IllegalArgumentException e) {
      lost(a, FailureText.of(e));
      return;
    }
    OpenDevice device;
    try {
      device = attachments.images().open(a.record, a.takeStartLog());
    } catch (IOException | RuntimeException e) {
      park(a, doors, e);
      return;
    }
    try {
      Optional<Export> export = frontend.resume(device.device(), where, a.record.node());
      if (export.isPresent()) {
        a.device = device;
        a.export = export.get();
        a.tries = 0;
        a.state = new State.Serving();
        log.info("attachment.resumed name={} node={}", a.record.name(), a.record.node());
        return;
      }
      lost(a, "the kernel has no such device any more");
    } catch (IOException | RuntimeException e) {
      if (a.record.door() == Door.UBLK) { // whoever uses it waits until somebody takes it
        close(device);
        park(a, doors, e);
        return;
      }
      lost(a, "it could not be taken over: " + FailureText.of(e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      lost(a, "interrupted while it was taken over");
    }
    close(device);
  }

  private static void close(OpenDevice device) {
    try {
      device.device().close();
    } catch (IOException e) {
      log.warn("attachment.close.failed name={} reason={}", device.id(), e.toString());
    }
  }

  private void park(Attached a, Doors doors, Exception reason) {
    int tries = a.tries + 1; // under the attachment's lock
    a.tries = tries;
    a.state = new State.Parked(FailureText.of(reason), tries);
    long seconds = 1L << Math.min(tries - 1, MOST_DOUBLINGS);
    log.warn(
        "attachment.parked name={} tries={} again={}s reason={}",
        a.record.name(),
        tries,
        seconds,
        reason.toString());
    try {
      var _ =
          context
              .timer()
              .schedule(
                  () -> context.threads().execute(() -> resume(a, doors)),
                  seconds,
                  TimeUnit.SECONDS);
    } catch (RejectedExecutionException e) {
      // The process is ending.
    }
  }

  /** Nothing is tried any more. */
  void close() {
    closed = true;
  }

  // ---- clearing

  /**
   * Removes what is left of attachments that are lost, records that cannot be read, and devices in
   * the kernel that are ours and that no record knows. One failure does not keep the rest.
   */
  Cleared clear(Doors doors) throws InterruptedException {
    var clearing = new Clearing();
    for (Attached a : attachments.all()) {
      if (a.state instanceof State.Lost(String reason)) {
        clearing.run(
            "attachment " + a.record.name() + " (" + reason + ")",
            () -> clearLost(a, doors, clearing));
      }
    }
    for (Unreadable file : unreadable()) {
      clearing.run(
          "record " + file.file() + " (" + file.reason() + ")",
          () -> {
            attachments.store().delete(file);
            forget(file);
          });
    }
    if (doors.handling().isPresent()) {
      clearUnknown(doors.handling().get(), clearing);
    }
    return clearing.result();
  }

  private void clearLost(Attached a, Doors doors, Clearing clearing)
      throws IOException, InterruptedException {
    if (a.record.door() == Door.TCMU && handled(doors, a).isPresent()) {
      doors.tcmu().remove(a.record.name(), true);
      clearing.cleared("device " + a.record.name());
    }
    boolean mayStay = a.record.door() == Door.FUSE || a.record.door() == Door.UBLK;
    if (mayStay && !a.record.where().isEmpty()) {
      URI where = URI.create(a.record.where());
      doors.frontend(a.record.door()).clearStale(where).forEach(clearing::cleared);
    }
    attachments.detach(a.record.name(), true, doors);
  }

  private synchronized List<Unreadable> unreadable() {
    return unreadable;
  }

  private synchronized void forget(Unreadable file) {
    unreadable = unreadable.stream().filter(u -> !u.equals(file)).toList();
  }

  private void clearUnknown(Handling handling, Clearing clearing) throws InterruptedException {
    for (HandledDevice device : handling.devices()) {
      boolean ours = device.config().startsWith(subtype + "/");
      String name = device.config().substring(device.config().indexOf('/') + 1);
      if (ours && attachments.find(name).isEmpty()) {
        clearing.run("device " + device.name(), () -> handling.remove(device.name(), true));
      }
    }
  }
}
