package dev.obd.backstore.fleet;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.DeviceHandler;
import dev.obd.backstore.device.DeviceSource;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.Handling;
import dev.obd.backstore.device.Mounter.Mounted;
import dev.obd.backstore.image.Locality;
import dev.obd.io.FailureText;
import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The devices of a process. {@link #start} takes over what an earlier process has left, and serves
 * what the kernel announces and what users attach until {@link #close}. Thread-safe. Everything
 * that waits for an image or the kernel blocks its caller: call it on platform threads.
 */
public final class Fleet implements Closeable {
  private static final Logger log = LogManager.getLogger(Fleet.class);
  private static final String OVERLAYBD = "overlaybd";
  private static final int SECTOR = 512;

  private final FleetContext context;
  private final String subtype;
  private final OpenDevices devices;
  private final ConfiguredDevices configured;
  private final Attachments attachments;
  private final TakeOver takeOver;
  private final Openings openings;
  private volatile Doors doors;
  private @Nullable HomeLock lock; // guarded by this
  private boolean closed; // guarded by this

  public Fleet(FleetContext context) {
    this.context = context;
    this.subtype = subtype(context);
    this.devices = new OpenDevices(context);
    this.configured = new ConfiguredDevices(context, devices);
    this.attachments =
        new Attachments(
            context, devices, new AttachmentStore(context.home().state().resolve("attachments")));
    this.takeOver = new TakeOver(context, attachments, subtype);
    this.openings = new Openings(this::openNamed);
    this.doors = new Doors(context.frontends(), Optional.empty(), "it is not started yet");
  }

  /** Homes are told apart in the kernel: each process serves the devices of its own only. */
  private static String subtype(FleetContext context) {
    String root = context.home().root().toString();
    return root.equals("/var/lib/obd")
        ? "obd"
        : "obd-" + Digest.of(root.getBytes(StandardCharsets.UTF_8)).hex().substring(0, 8);
  }

  /**
   * Takes over what is there and begins to serve. Devices whose image cannot be had are parked;
   * they stop nothing.
   *
   * @throws FleetException if another process serves this home
   * @throws IOException if its records cannot be read, or the kernel's handler does not start
   */
  public synchronized void start() throws IOException, InterruptedException {
    lock = HomeLock.take(context.home().state());
    takeOver.load();
    Optional<DeviceHandler> handler = context.handler();
    Optional<Handling> handling = Optional.empty();
    String missing = "this process was told to do without it";
    if (handler.isPresent()) {
      Optional<String> unavailable = handler.get().unavailableBecause();
      missing = unavailable.orElse("");
      if (unavailable.isEmpty()) {
        handling = Optional.of(handler.get().start(new Source()));
      }
    }
    doors = new Doors(context.frontends(), handling, missing);
    takeOver.run(doors);
  }

  /** What the kernel's handler asks. */
  private final class Source implements DeviceSource {
    @Override
    public boolean claims(String kind) {
      return kind.equals(subtype) || (context.servesSnapshotter() && kind.equals(OVERLAYBD));
    }

    @Override
    public BlockDevice open(String config) throws IOException {
      return openings.open(config).device();
    }

    @Override
    public void prepare(BlockDevice device) throws IOException {
      Optional<OpenDevice> open = devices.of(device);
      if (open.isPresent()) {
        open.get().awaitPrefetch();
      }
    }

    @Override
    public void removed(String config) {
      openings.forget(config);
    }
  }

  private OpenDevice openNamed(String config) throws IOException {
    int slash = config.indexOf('/');
    String kind = slash < 0 ? config : config.substring(0, slash);
    String rest = config.substring(slash + 1);
    if (kind.equals(OVERLAYBD)) {
      return configured.open(rest);
    }
    Optional<Attached> attached = attachments.find(rest);
    if (attached.isEmpty()) {
      throw new FleetException(
          FleetException.Kind.UNKNOWN, "there is no record of an attachment called " + rest);
    }
    return attachments.images().open(attached.get().record, attached.get().takeStartLog());
  }

  // ---- looking

  /** All devices and attachments, in no order. */
  public List<DeviceStatus> devices() {
    return new StatusView(subtype, devices, attachments, openings, doors).all();
  }

  /** One of them, by its id; for an attachment also by its node or mount point. */
  public Optional<DeviceStatus> device(String what) {
    String id = idOf(what);
    return devices().stream().filter(d -> d.id().equals(id)).findFirst();
  }

  /** How much of a device's image is on this machine; empty if it is not open. */
  public Optional<Locality> locality(String what) {
    return devices.find(idOf(what)).flatMap(OpenDevice::locality);
  }

  private String idOf(String what) {
    try {
      return attachments.require(what).record.name();
    } catch (FleetException | InvalidPathException e) {
      return what;
    }
  }

  /** Which doors there are, the best first. */
  public List<DoorStatus> doors() {
    return doors.status();
  }

  // ---- attaching

  /**
   * Attaches an image and returns once its node can be used. What was made so far is undone on
   * failure, and when the thread is interrupted.
   *
   * @throws FleetException if the name or the mount point is taken, or there is no door
   * @throws IllegalArgumentException if the request makes no sense
   */
  public DeviceStatus attach(AttachRequest request) throws IOException, InterruptedException {
    Attached attached = attachments.attach(request, doors, subtype);
    String name = attached.record.name();
    return device(name)
        .orElseThrow(() -> new IOException(name + ": was detached while it was being attached"));
  }

  /**
   * Takes an attachment away: unmounts it, removes its node, flushes and closes it.
   *
   * @param what its name, node or mount point
   * @param force even if it is in use
   * @throws BusyException if it is in use and not forced; it stays
   */
  public void detach(String what, boolean force) throws IOException, InterruptedException {
    attachments.detach(what, force, doors);
  }

  /**
   * Removes what dead processes left of attachments: records, mounts, devices in the kernel. What
   * cannot be removed does not keep the rest.
   */
  public Cleared clearStale() throws InterruptedException {
    return takeOver.clear(doors);
  }

  // ---- a running device

  /**
   * Records the reads of a running device from now on.
   *
   * @param maxRecords more are dropped; 1 to {@link dev.obd.trace.TraceFile#MAX_RECORDS}
   */
  public void startRecording(String what, int maxRecords) throws IOException {
    require(what).startRecording(maxRecords, context.clock(), context.ticker());
  }

  /** Ends a recording; the device is served on. */
  public Recorded stopRecording(String what) throws IOException {
    return require(what).stopRecording(context.ticker());
  }

  private OpenDevice require(String what) throws FleetException {
    String id = idOf(what);
    return devices
        .find(id)
        .orElseThrow(
            () -> new FleetException(FleetException.Kind.UNKNOWN, "no open device '" + what + "'"));
  }

  /**
   * A live snapshot of a device of overlaybd's: its writable layer is sealed, and the device goes
   * on with the one of another configuration, which replaces its own.
   *
   * @param devId of the device; empty: missing in the request
   * @param config path of the new configuration; empty: missing in the request
   */
  public SnapshotOutcome snapshot(String devId, String config) {
    if (devId.isEmpty() || config.isEmpty()) {
      return new SnapshotOutcome.MissingParameter();
    }
    Optional<OpenDevice> device = configured.byDevId(devId);
    if (device.isEmpty()) {
      return new SnapshotOutcome.NotFound();
    }
    try {
      LiveSnapshot.make(device.get(), Path.of(config).toAbsolutePath());
      log.info("snapshot.created device={} config={}", device.get().id(), config);
      return new SnapshotOutcome.Created();
    } catch (IOException | RuntimeException e) {
      log.error("snapshot.failed device={} config={}", device.get().id(), config, e);
      return new SnapshotOutcome.Failed(FailureText.of(e));
    }
  }

  /**
   * Changes the size of a writable device.
   *
   * @param bytes a positive multiple of 512
   * @param shrink whether it may become smaller, which loses what lies beyond
   * @throws BusyException if it would become smaller and is mounted
   */
  public Resized resize(String what, long bytes, boolean shrink) throws IOException {
    if (bytes <= 0 || bytes % SECTOR != 0) {
      throw new IllegalArgumentException(
          "size: expected a positive multiple of " + SECTOR + " bytes, got " + bytes);
    }
    OpenDevice device = require(what);
    synchronized (device) {
      if (!device.device().writable()) {
        throw new FleetException(
            FleetException.Kind.UNSUPPORTED, device.id() + ": read-only, its size is its image's");
      }
      String node = device(device.id()).flatMap(DeviceStatus::node).orElse("");
      if (bytes < device.device().size()) {
        if (!shrink) {
          throw new IllegalArgumentException(
              device.id()
                  + ": has "
                  + device.device().size()
                  + " bytes; to lose what lies beyond "
                  + bytes
                  + " say that it may shrink");
        }
        for (Mounted mount : Mounting.of(context.mounter(), node)) {
          throw new BusyException(device.id() + ": mounted at " + mount.at() + ", cannot shrink");
        }
      }
      device.image().resize(bytes);
      log.info("device.resized device={} size={}", device.id(), bytes);
      return new Resized(bytes, tellUsers(device));
    }
  }

  private Optional<String> tellUsers(OpenDevice device) throws IOException {
    Optional<Attached> attached = attachments.find(device.id());
    @Nullable Export export = attached.isPresent() ? attached.get().export : null;
    if (export != null) {
      return export.resized();
    }
    if (doors.handling().isPresent()) {
      for (HandledDevice handled : doors.handling().get().devices()) {
        if (handled.state() instanceof HandledDevice.State.Serving(BlockDevice served)
            && served.equals(device.device())) {
          return doors.handling().get().resized(handled.name());
        }
      }
    }
    return Optional.empty();
  }

  // ---- the end

  /**
   * Stops serving. What the kernel keeps is left to the next process, with its requests; the rest
   * is taken away, unless it is in use, and ends with this process. Idempotent.
   */
  @Override
  public synchronized void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    takeOver.close();
    var failures = new Failures();
    doors.handling().ifPresent(handling -> failures.run(handling));
    for (Attached attached : attachments.all()) {
      failures.run(() -> leave(attached));
    }
    @Nullable HomeLock held = lock;
    if (held != null) {
      failures.run(held);
    }
    failures.rethrow();
  }

  private void leave(Attached attached) throws IOException {
    attached.lock.lock();
    try {
      attached.gone = true;
      @Nullable Export export = attached.export;
      @Nullable OpenDevice device = attached.device;
      if (export != null && !export.leave()) {
        try {
          export.close();
        } catch (BusyException e) {
          log.warn("detach.busy name={} reason={}", attached.record.name(), e.getMessage());
        }
      }
      if (device != null) {
        device.device().close();
      }
    } finally {
      attached.lock.unlock();
    }
  }
}
