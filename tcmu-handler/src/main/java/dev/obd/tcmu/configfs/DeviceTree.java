package dev.obd.tcmu.configfs;

import dev.obd.io.Ticker;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Makes and removes TCMU devices and the disks behind which they are seen. Thread-safe for
 * different devices. All steps may wait for the device's handler, so that must not be the caller.
 */
public final class DeviceTree {
  private static final Logger log = LogManager.getLogger(DeviceTree.class);

  /** Longer than any patience: a command ends when its handler says so. The kernel's own limit. */
  private static final String NEVER_SECONDS = "2147483";

  private static final int ENABLE_TRIES = 100;
  private static final Duration ENABLE_PAUSE = Duration.ofMillis(50);

  /** The disk is there within milliseconds; a slow machine takes longer. */
  private static final int NODE_TRIES = 1000;

  private static final Duration NODE_PAUSE = Duration.ofMillis(10);
  private static final int DIRECTORY_TRIES = 100;
  private static final String SERIAL_LABEL = "T10 VPD Unit Serial Number: ";

  private final KernelPaths paths;
  private final Tree tree;
  private final Ticker ticker;

  public DeviceTree(KernelPaths paths, Ticker ticker) {
    this(paths, Tree.KERNEL, ticker);
  }

  DeviceTree(KernelPaths paths, Tree tree, Ticker ticker) {
    this.paths = paths;
    this.tree = tree;
    this.ticker = ticker;
  }

  @FunctionalInterface
  private interface Step {
    void run() throws IOException;
  }

  /** {@code .../core/user_<hba>/<device>}. */
  public Path directory(DeviceName name) {
    return adapter(name).resolve(name.device());
  }

  private Path adapter(DeviceName name) {
    return paths.target().resolve("core/user_" + name.hba());
  }

  /**
   * Makes a device and its disk; what was made so far is removed again on failure.
   *
   * @return its disk; without a node if that did not come in time
   * @throws IOException if a step fails; the message says which
   */
  public Lun create(NewDevice device) throws IOException, InterruptedException {
    Deque<Step> undo = new ArrayDeque<>();
    try {
      return create(device, undo);
    } catch (IOException | InterruptedException | RuntimeException e) {
      for (Step step : undo) {
        try {
          step.run();
        } catch (IOException failure) {
          e.addSuppressed(failure);
        }
      }
      throw e;
    }
  }

  private Lun create(NewDevice device, Deque<Step> undo) throws IOException, InterruptedException {
    DeviceName name = device.name();
    Path core = directory(name);
    makeDevice(name, undo);
    control(core, "dev_config=" + name.config());
    control(core, "max_data_area_mb=" + device.dataMebibytes());
    control(core, "hw_max_sectors=" + device.maxSectors());
    control(core, "cmd_ring_size_mb=" + device.ringMebibytes());
    if (!device.serial().isEmpty()) {
      tree.write(core.resolve("wwn/vpd_unit_serial"), device.serial());
    }
    enable(core);
    tree.write(core.resolve("attrib/cmd_time_out"), NEVER_SECONDS);

    Path adapters = paths.target().resolve("loopback");
    Path loopback = adapters.resolve(device.adapter());
    Path group = loopback.resolve("tpgt_1");
    Path lun = group.resolve("lun/lun_0");
    makeIfMissing(adapters);
    make(loopback, undo);
    make(group, undo);
    make(lun, undo);
    tree.write(group.resolve("nexus"), device.adapter());
    Path link = lun.resolve(name.device());
    tree.link(core, link);
    undo.push(() -> tree.unlink(link));

    Optional<Path> disk = awaitDisk(address(group));
    if (disk.isPresent()) {
      tree.write(disk.get().resolve("device/timeout"), NEVER_SECONDS);
    }
    return new Lun(loopback, link, disk.map(this::node), disk);
  }

  /** Others may remove the adapter in between, as {@link #remove} does with one that is empty. */
  private void makeDevice(DeviceName name, Deque<Step> undo) throws IOException {
    undo.push(() -> removeAdapterIfEmpty(name));
    for (int i = 1; ; i++) {
      makeIfMissing(adapter(name));
      try {
        make(directory(name), undo);
        return;
      } catch (ErrnoException e) {
        if (!e.is(Errno.ENOENT) || i == DIRECTORY_TRIES) {
          throw e;
        }
      }
    }
  }

  private void make(Path directory, Deque<Step> undo) throws IOException {
    tree.makeDirectory(directory);
    undo.push(() -> tree.removeDirectory(directory));
  }

  private void makeIfMissing(Path directory) throws IOException {
    try {
      tree.makeDirectory(directory);
    } catch (ErrnoException e) {
      if (!e.is(Errno.EEXIST)) {
        throw e;
      }
    }
  }

  private void control(Path core, String setting) throws IOException {
    tree.write(core.resolve("control"), setting);
  }

  private void enable(Path core) throws IOException, InterruptedException {
    for (int i = 1; ; i++) {
      try {
        tree.writeAndWait(core.resolve("enable"), "1");
        return;
      } catch (ErrnoException e) {
        if (!e.is(Errno.EAGAIN) || i == ENABLE_TRIES) { // EAGAIN: a handler is starting
          throw e;
        }
      }
      ticker.sleep(ENABLE_PAUSE.toNanos());
    }
  }

  private static String address(Path group) throws IOException {
    return Files.readString(group.resolve("address")).strip();
  }

  private Optional<Path> awaitDisk(String address) throws IOException, InterruptedException {
    for (int i = 0; i < NODE_TRIES; i++) {
      Optional<Path> disk = disk(address);
      if (disk.isPresent() && isReady(disk.get())) {
        return disk;
      }
      ticker.sleep(NODE_PAUSE.toNanos());
    }
    return Optional.empty();
  }

  /** The parts of a disk appear one after the other. */
  private boolean isReady(Path disk) throws IOException {
    if (!Files.exists(node(disk)) || !Files.exists(disk.resolve("device/timeout"))) {
      return false;
    }
    try {
      tree.touch(node(disk));
      return true;
    } catch (ErrnoException e) {
      if (e.is(Errno.ENXIO) || e.is(Errno.ENOENT) || e.is(Errno.ENODEV)) {
        return false; // not yet
      }
      log.debug("tcmu.disk.not.opened disk={}", disk, e); // it is there, and says so
      return true;
    }
  }

  /** The disk at {@code 2:0:1}, in sysfs. */
  private Optional<Path> disk(String address) {
    Path block = paths.sys().resolve("class/scsi_device/" + address + ":0/device/block");
    try (DirectoryStream<Path> disks = Files.newDirectoryStream(block)) {
      for (Path disk : disks) {
        return Optional.of(paths.sys().resolve("block").resolve(disk.getFileName()));
      }
    } catch (IOException _) {
      // not there yet
    }
    return Optional.empty();
  }

  private Path node(Path disk) {
    return paths.dev().resolve(disk.getFileName());
  }

  /** Where {@code name} is seen; empty if it is behind no loopback adapter. */
  public Optional<Lun> find(DeviceName name) throws IOException {
    Path core = directory(name);
    try (DirectoryStream<Path> adapters =
        Files.newDirectoryStream(paths.target().resolve("loopback"), "naa.*")) {
      for (Path adapter : adapters) {
        Optional<Lun> found = findBehind(adapter, core);
        if (found.isPresent()) {
          return found;
        }
      }
    } catch (NoSuchFileException | NotDirectoryException _) {
      return Optional.empty();
    }
    return Optional.empty();
  }

  private Optional<Lun> findBehind(Path adapter, Path core) throws IOException {
    Path link = adapter.resolve("tpgt_1/lun/lun_0").resolve(core.getFileName());
    try {
      // What is linked has the same name in all adapters of devices, so more than the name counts.
      if (!Files.isSymbolicLink(link) || !link.toRealPath().equals(core.toRealPath())) {
        return Optional.empty();
      }
      Optional<Path> disk = disk(address(adapter.resolve("tpgt_1")));
      return Optional.of(new Lun(adapter, link, disk.map(this::node), disk));
    } catch (NoSuchFileException _) {
      return Optional.empty(); // somebody removes it right now
    }
  }

  /**
   * Removes a device and its disk, in the order that is possible; parts that are missing are passed
   * over.
   *
   * @return false if there was nothing
   */
  public boolean remove(DeviceName name) throws IOException {
    Optional<Lun> lun = find(name);
    if (lun.isPresent()) {
      removeAdapter(lun.get().adapter(), lun.get().link());
    }
    boolean removed = unless(Errno.ENOENT, () -> tree.removeDirectory(directory(name)));
    removeAdapterIfEmpty(name);
    return removed || lun.isPresent();
  }

  private void removeAdapterIfEmpty(DeviceName name) throws IOException {
    try {
      tree.removeDirectory(adapter(name));
    } catch (ErrnoException e) { // others' devices are in it, or somebody was faster
      log.trace("tcmu.adapter.stays {}", e.getMessage());
    }
  }

  /** Removes the adapter that {@link #create} would make, if a device was removed without it. */
  public boolean removeLeftover(String adapter) throws IOException {
    Path loopback = paths.target().resolve("loopback").resolve(adapter);
    if (!Files.isDirectory(loopback)) {
      return false;
    }
    removeAdapter(loopback, null);
    return true;
  }

  private void removeAdapter(Path loopback, @Nullable Path link) throws IOException {
    Path group = loopback.resolve("tpgt_1");
    if (link != null) {
      unless(Errno.ENOENT, () -> tree.unlink(link));
    }
    unless(Errno.ENOENT, () -> tree.removeDirectory(group.resolve("lun/lun_0")));
    unless(Errno.ENOENT, () -> tree.removeDirectory(group));
    unless(Errno.ENOENT, () -> tree.removeDirectory(loopback));
  }

  /** False if it failed with {@code harmless}. */
  private static boolean unless(Errno harmless, Step step) throws IOException {
    try {
      step.run();
      return true;
    } catch (ErrnoException e) {
      if (!e.is(harmless)) {
        throw e;
      }
      return false;
    }
  }

  /** Commands that come from now on wait in the kernel; or they, and those that waited, go on. */
  public void block(DeviceName name, boolean blocked) throws IOException {
    action(name, "block_dev", blocked ? "1" : "0");
  }

  /**
   * Empties the ring. Nobody may serve it meanwhile.
   *
   * @param retry true: commands in it are begun again; false: they fail
   */
  public void resetRing(DeviceName name, boolean retry) throws IOException {
    action(name, "reset_ring", retry ? "1" : "2");
  }

  /** The buffers of a command that was answered with them kept are free again. */
  public void freeKeptBuffers(DeviceName name, int command) throws IOException {
    action(name, "free_kept_buf", Integer.toString(command));
  }

  private void action(DeviceName name, String action, String value) throws IOException {
    tree.write(directory(name).resolve("action").resolve(action), value);
  }

  /** Tells the kernel the size of a device, which asks the handler whether that is right. */
  public void resize(DeviceName name, long bytes) throws IOException {
    tree.writeAndWait(directory(name).resolve("attrib/dev_size"), Long.toString(bytes));
  }

  /** Lets the disk find out its size anew. */
  public void rescan(Lun lun) throws IOException {
    if (lun.sysfs().isPresent()) {
      tree.writeAndWait(lun.sysfs().get().resolve("device/rescan"), "1");
    }
  }

  /** The unit serial number; empty if none is set. */
  public String serial(DeviceName name) throws IOException {
    String text = Files.readString(directory(name).resolve("wwn/vpd_unit_serial")).strip();
    return text.startsWith(SERIAL_LABEL.strip())
        ? text.substring(SERIAL_LABEL.strip().length()).strip()
        : text;
  }
}
