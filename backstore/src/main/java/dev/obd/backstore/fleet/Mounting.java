package dev.obd.backstore.fleet;

import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.Mounter;
import dev.obd.backstore.device.Mounter.Mounted;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What is mounted of a device node. */
final class Mounting {
  private Mounting() {}

  /** The mounter, if this process may mount. */
  static Mounter by(Optional<Mounter> mounter) throws FleetException {
    String missing =
        mounter.isEmpty()
            ? "this installation cannot mount"
            : mounter.get().unavailableBecause().orElse("");
    if (!missing.isEmpty()) {
      throw new FleetException(FleetException.Kind.UNSUPPORTED, "mount: " + missing);
    }
    return mounter.orElseThrow();
  }

  /** All mounts of {@code node}, the topmost last. */
  static List<Mounted> of(Optional<Mounter> mounter, String node) throws IOException {
    if (mounter.isEmpty() || node.isEmpty()) {
      return List.of();
    }
    return mounter.get().mounts().stream().filter(m -> m.source().equals(node)).toList();
  }

  /**
   * Unmounts {@code node} everywhere: where it was attached and, with {@code force}, wherever else.
   *
   * @throws BusyException if it is mounted elsewhere, or in use
   */
  static void unmountAll(Optional<Mounter> mounter, String node, Optional<Path> own, boolean force)
      throws IOException {
    List<Mounted> mounts = of(mounter, node);
    for (Mounted mount : mounts) {
      if (!force && !own.equals(Optional.of(mount.at()))) {
        throw new BusyException(node + " is mounted at " + mount.at() + ", too");
      }
    }
    for (Mounted mount : mounts.reversed()) {
      by(mounter).unmount(mount.at(), force);
    }
  }

  /**
   * Unmounts what is left of an attachment whose device is gone: only where it was attached itself,
   * for the kernel gives the node's name to other disks.
   */
  static void unmountOwn(Optional<Mounter> mounter, String node, Optional<Path> own)
      throws IOException {
    for (Mounted mount : of(mounter, node).reversed()) {
      if (own.equals(Optional.of(mount.at()))) {
        by(mounter).unmount(mount.at(), true);
      }
    }
  }
}
