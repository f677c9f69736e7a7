package dev.obd.mount;

import dev.obd.backstore.device.BusyException;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Mounts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;

/**
 * The file system of a block device, mounted at a directory.
 *
 * @param at the directory
 */
public record DiskMount(Path at) {
  private static final long NO_EXEC = 8;
  private static final long NO_ACCESS_TIME = 1024;

  /**
   * Mounts.
   *
   * @param options as for {@code mount -o}: what is not a flag goes to the file system
   */
  public static DiskMount mount(
      Path device, Path at, String fileSystem, String options, boolean readOnly)
      throws IOException {
    long flags = readOnly ? Mounts.READ_ONLY : 0;
    var forFileSystem = new ArrayList<String>();
    for (String option : options.split(",", -1)) {
      switch (option) {
        case "", "rw", "defaults" -> {}
        case "ro" -> flags |= Mounts.READ_ONLY;
        case "nosuid" -> flags |= Mounts.NO_SUID;
        case "nodev" -> flags |= Mounts.NO_DEVICES;
        case "noexec" -> flags |= NO_EXEC;
        case "noatime" -> flags |= NO_ACCESS_TIME;
        default -> forFileSystem.add(option);
      }
    }
    String data = String.join(",", forFileSystem);
    Mounts.mount(device.toString(), at, fileSystem, flags, data.isEmpty() ? null : data);
    return new DiskMount(at);
  }

  /** Unmounts; fails with {@link BusyException} while somebody uses it, unless forced. */
  public void unmount(boolean force) throws IOException {
    try {
      Mounts.unmount(at, force ? Mounts.DETACH : 0);
    } catch (ErrnoException e) {
      throw e.is(Errno.EBUSY) ? new BusyException(Users.inUse(at), e) : e;
    }
  }
}
