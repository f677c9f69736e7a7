package dev.obd.fuse;

import dev.obd.mount.MountTable;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import dev.obd.nativeio.Mounts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Clears away what a server that was killed left behind: mounts of which every use fails with
 * "transport endpoint is not connected". Whatever is alive stays, and is an error.
 */
final class StaleMounts {
  private static final Logger log = LogManager.getLogger(StaleMounts.class);

  private StaleMounts() {}

  /** Clears the mount point of a disk's file; the path has no links. True if there was one. */
  static boolean clearFile(Path file, FuseMount mounts) throws IOException {
    boolean cleared = false;
    for (var at = MountTable.read().at(file); at.isPresent(); at = MountTable.read().at(file)) {
      String type = at.get().type();
      if (!type.equals(FuseMount.TYPE)) {
        throw new IOException(file + " is a mount point of type " + type);
      }
      if (answers(file)) {
        throw new IOException(file + " is being served already");
      }
      mounts.unmount(file, true);
      log.warn("fuse.stale.cleared file={}", file);
      cleared = true;
    }
    return cleared;
  }

  /**
   * Clears a directory that the file system of the disk in {@code file} is mounted at. True if it
   * was.
   */
  static boolean clearDisk(Path directory, Path file) throws IOException {
    boolean cleared = false;
    for (var at = MountTable.read().at(directory);
        at.isPresent();
        at = MountTable.read().at(directory)) {
      String source = at.get().source();
      Optional<Path> backing = LoopDevice.backingFile(source);
      if (!backing.equals(Optional.of(file)) || answers(file)) {
        throw new IOException(directory + " is a mount point of " + source);
      }
      Mounts.unmount(directory, Mounts.DETACH);
      log.warn("fuse.stale.cleared directory={} source={}", directory, source);
      cleared = true;
    }
    return cleared;
  }

  /** False if its server is gone. */
  private static boolean answers(Path file) throws IOException {
    try {
      Fd.open(file, Fd.READ_ONLY).close();
      return true;
    } catch (ErrnoException e) {
      return !e.is(Errno.ENOTCONN) && !e.is(Errno.ECONNABORTED);
    }
  }
}
