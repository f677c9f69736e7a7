package dev.obd.fuse;

import dev.obd.backstore.device.BusyException;
import dev.obd.mount.Privileges;
import dev.obd.nativeio.Fd;
import java.io.IOException;
import java.nio.file.Path;

/** Mounts and unmounts a FUSE file system on a regular file. */
sealed interface FuseMount permits KernelMount, FuserMount {
  /** The type that {@code /proc/self/mountinfo} shows. */
  String TYPE = "fuse.obd";

  /** The open connection to the kernel; its first request is INIT. */
  Fd mount(Path file, boolean readOnly) throws IOException;

  /**
   * Unmounts. Fails with {@link BusyException} while somebody has the file open, unless forced:
   * then requests under way are aborted and the mount point is free at once.
   */
  void unmount(Path file, boolean force) throws IOException;

  /** What fits this process. */
  static FuseMount forThisProcess() throws IOException {
    Privileges self = Privileges.ofThisProcess();
    if (self.mayMount()) {
      return new KernelMount(self);
    }
    return new FuserMount(
        FuserMount.find()
            .orElseThrow(() -> new IOException(Requirements.missingForFile().orElse("fuse"))));
  }
}
