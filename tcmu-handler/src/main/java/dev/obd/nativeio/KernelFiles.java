package dev.obd.nativeio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Changes of configfs and sysfs. Those that say so may wait for an answer of this very process: a
 * device is enabled, scanned, flushed or removed by them. Should the process be killed while it
 * waits, nothing keeps its descriptors open. They wait on any kind of thread and are not
 * interruptible.
 */
public final class KernelFiles {
  private static final int WRITE_ONLY = 1;
  private static final int TRUNCATE = 0x200;

  private KernelFiles() {}

  /** Writes {@code text} to an existing file, with one call and nothing added. Does not wait. */
  public static void write(Path file, String text) throws IOException {
    ByteBuffer bytes = LibC.cString(text);
    bytes.limit(bytes.limit() - 1); // without the zero
    try (Fd fd = Fd.open(file, WRITE_ONLY | TRUNCATE)) {
      fd.write(bytes);
    } catch (ErrnoException e) {
      throw new ErrnoException(call(file.toString(), text), e.errno());
    }
  }

  /** {@link #write} that may wait. */
  public static void writeAndWait(Path file, String text) throws IOException {
    LibC.Calls libc = LibC.calls();
    String path = file.toString();
    ByteBuffer bytes = LibC.cString(text);
    int count = bytes.remaining() - 1; // without the zero
    int errno =
        FilelessThread.call(() -> {
          int fd = libc.open(path, WRITE_ONLY | TRUNCATE | Fd.CLOSE_ON_EXEC, 0);
          if (fd < 0 || libc.write(fd, bytes, count) < 0) {
            return -1; // the thread's end closes it; close() would change errno
          }
          return libc.close(fd);
        });
    succeed(errno, call(path, text));
  }

  private static String call(String path, String text) {
    return "write(" + path + ", \"" + text + "\")";
  }

  /** Does not wait. */
  public static void makeDirectory(Path directory, int mode) throws IOException {
    LibC.checked(LibC.calls().mkdir(directory.toString(), mode), "mkdir(" + directory + ")");
  }

  /** May wait. */
  public static void removeDirectory(Path directory) throws IOException {
    LibC.Calls libc = LibC.calls();
    String path = directory.toString();
    succeed(FilelessThread.call(() -> libc.rmdir(path)), "rmdir(" + path + ")");
  }

  /** May wait. */
  public static void remove(Path file) throws IOException {
    LibC.Calls libc = LibC.calls();
    String path = file.toString();
    succeed(FilelessThread.call(() -> libc.unlink(path)), "unlink(" + path + ")");
  }

  /** May wait. */
  public static void link(Path target, Path at) throws IOException {
    LibC.Calls libc = LibC.calls();
    String to = target.toString();
    String path = at.toString();
    succeed(FilelessThread.call(() -> libc.symlink(to, path)), "symlink(" + to + ", " + path + ")");
  }

  /**
   * True if {@code blockDevice} or a part of it is mounted, swapped to, or part of another device.
   */
  public static boolean isClaimed(Path blockDevice) throws IOException {
    int errno = openAndClose(blockDevice, Fd.EXCLUSIVE);
    if (errno == Errno.EBUSY.number()) {
      return true;
    }
    succeed(errno, "open(" + blockDevice + ")");
    return false;
  }

  /**
   * Opens a block device and closes it again, which waits for the kernel's own first look at it.
   * May wait.
   */
  public static void touch(Path blockDevice) throws IOException {
    succeed(openAndClose(blockDevice, Fd.READ_ONLY), "open(" + blockDevice + ")");
  }

  private static int openAndClose(Path blockDevice, int flags) throws IOException {
    LibC.Calls libc = LibC.calls();
    String path = blockDevice.toString();
    return FilelessThread.call(() -> {
      int fd = libc.open(path, flags | Fd.NON_BLOCKING | Fd.CLOSE_ON_EXEC, 0);
      return fd < 0 ? -1 : libc.close(fd);
    });
  }

  private static void succeed(int errno, String call) throws ErrnoException {
    if (errno != 0) {
      throw new ErrnoException(call, errno);
    }
  }
}
