package dev.obd.backstore.device;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Mounts the file systems of devices. Found by {@link java.util.ServiceLoader}. Thread-safe; may
 * wait for a device, so it runs what waits on platform threads.
 */
public interface Mounter {
  /**
   * One mount.
   *
   * @param at the mount point
   * @param type of the file system
   * @param source what is mounted: {@code /dev/sdb}
   */
  record Mounted(Path at, String type, String source) {}

  /** Empty if this process may mount; otherwise one sentence saying what is missing. */
  Optional<String> unavailableBecause();

  /**
   * Mounts {@code node} at {@code directory}, which exists.
   *
   * @param options as for {@code mount -o}, separated by commas; may be empty
   */
  void mount(Path node, Path directory, String fsType, String options, boolean readOnly)
      throws IOException;

  /**
   * Unmounts what is mounted at exactly {@code directory}; nothing happens if nothing is.
   *
   * @param force takes it out of the tree even if it is in use; it goes away with its last user
   * @throws BusyException if it is in use and not forced
   */
  void unmount(Path directory, boolean force) throws IOException;

  /** What is mounted now, topmost last. Asks no file system. */
  List<Mounted> mounts() throws IOException;
}
