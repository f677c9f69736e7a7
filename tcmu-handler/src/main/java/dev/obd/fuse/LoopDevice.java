package dev.obd.fuse;

import dev.obd.backstore.device.BusyException;
import dev.obd.mount.Users;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * A loop device on a file. It reads with direct I/O, so that the content is cached once and not
 * twice, and detaches itself when nobody uses it any more: also when this process dies.
 *
 * <pre>
 * struct loop_config, 304 bytes        offset bytes field
 *                                           0     4 fd of the file
 *                                           4     4 block size, 0: 512
 *   struct loop_info64 at 8                60     4 flags
 *                                          64    64 file name, for losetup -l
 * </pre>
 *
 * Source: Linux uapi {@code linux/loop.h}.
 */
final class LoopDevice {
  static final Path CONTROL = Path.of("/dev/loop-control");

  private static final long LOOP_CTL_GET_FREE = 0x4C82;
  private static final long LOOP_CONFIGURE = 0x4C0A;
  private static final long LOOP_CLR_FD = 0x4C01;
  private static final long LOOP_SET_CAPACITY = 0x4C07;

  private static final long BLKGETSIZE64 = 0x8008_1272L;

  private static final int CONFIG_BYTES = 304;
  private static final int FD_AT = 0;
  private static final int FLAGS_AT = 60;
  private static final int NAME_AT = 64;
  private static final int MAX_NAME_BYTES = 63;

  private static final int READ_ONLY = 1;
  private static final int AUTOCLEAR = 4;
  private static final int DIRECT_IO = 16;

  /** Others look for a free device too; each round somebody got one. */
  private static final int ATTEMPTS = 100;

  /** Two seconds in all. */
  private static final int BUSY_LOOKS = 41;

  private static final long BUSY_PAUSE_NANOS = 50_000_000;

  private final Path path;
  private final Fd device;

  private LoopDevice(Path path, Fd device) {
    this.path = path;
    this.device = device;
  }

  /** Attaches a free loop device to {@code file}. */
  static LoopDevice attach(Path file, boolean readOnly) throws IOException {
    int access = readOnly ? Fd.READ_ONLY : Fd.READ_WRITE;
    // Older kernels (6.1, for one) make the device as large as they know the file to be: empty, if
    // it is one over FUSE whose size nobody has asked for. File systems read and write it all the
    // same, but what they write through the device's page cache is lost.
    long size = Files.size(file);
    try (Fd control = Fd.open(CONTROL, Fd.READ_WRITE);
        Fd backing = Fd.open(file, access)) {
      for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int number = control.ioctl("LOOP_CTL_GET_FREE", LOOP_CTL_GET_FREE, 0);
        Path path = Path.of("/dev/loop" + number);
        Fd device = Fd.open(path, access);
        if (configured(device, backing, file, readOnly)) {
          var loop = new LoopDevice(path, device);
          loop.requireSize(size);
          return loop;
        }
      }
    }
    throw new IOException("no free loop device after " + ATTEMPTS + " attempts");
  }

  /** False, and {@code device} closed, if somebody else was faster. */
  private static boolean configured(Fd device, Fd backing, Path file, boolean readOnly)
      throws IOException {
    ByteBuffer config = ByteBuffer.allocateDirect(CONFIG_BYTES).order(ByteOrder.nativeOrder());
    config.putInt(FD_AT, backing.number());
    config.putInt(FLAGS_AT, AUTOCLEAR | DIRECT_IO | (readOnly ? READ_ONLY : 0));
    byte[] name = file.toString().getBytes(StandardCharsets.UTF_8);
    config.put(NAME_AT, name, 0, Math.min(name.length, MAX_NAME_BYTES));
    try {
      device.ioctl("LOOP_CONFIGURE", LOOP_CONFIGURE, config);
      return true;
    } catch (IOException e) {
      device.close();
      if (e instanceof ErrnoException errno && errno.is(Errno.EBUSY)) {
        return false;
      }
      throw e;
    }
  }

  private void requireSize(long expected) throws IOException {
    ByteBuffer size = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
    device.ioctl("BLKGETSIZE64", BLKGETSIZE64, size);
    if (size.getLong(0) != expected) {
      detach(true);
      throw new IOException(path + ": expected " + expected + " bytes, has " + size.getLong(0));
    }
  }

  /** {@code /dev/loopN}. */
  Path path() {
    return path;
  }

  /** Takes over the size that the file has now. */
  void sizeChanged() throws IOException {
    device.ioctl("LOOP_SET_CAPACITY", LOOP_SET_CAPACITY, 0);
  }

  /**
   * Detaches. Fails with {@link BusyException} while the device is mounted, unless forced. While
   * somebody merely has it open, it goes on until they close it, and keeps the file busy for that
   * long.
   */
  void detach(boolean force) throws IOException {
    if (!force) {
      requireUnclaimed();
    }
    try {
      device.ioctl("LOOP_CLR_FD", LOOP_CLR_FD, 0);
    } catch (ErrnoException e) {
      if (!e.is(Errno.ENXIO)) { // ENXIO: somebody was faster
        throw e;
      }
    }
    device.close();
  }

  /**
   * What was mounted may be let go a moment after the unmount, and whoever looks around on this
   * machine (udev, blkid) may hold the device for a moment: busy is what stays busy.
   */
  private void requireUnclaimed() throws IOException {
    for (int look = 1; ; look++) {
      try {
        Fd.open(path, Fd.READ_ONLY | Fd.EXCLUSIVE).close();
        return;
      } catch (ErrnoException e) {
        if (!e.is(Errno.EBUSY)) {
          throw e;
        }
        if (look == BUSY_LOOKS) {
          throw new BusyException(Users.inUse(path), e);
        }
        LockSupport.parkNanos(BUSY_PAUSE_NANOS);
      }
    }
  }

  /** The file behind {@code device}, if that is an attached loop device. */
  static Optional<Path> backingFile(String device) throws IOException {
    if (!device.startsWith("/dev/loop")) {
      return Optional.empty();
    }
    Path name = Path.of(device).getFileName();
    Path file = Path.of("/sys/block").resolve(name).resolve("loop/backing_file");
    return Files.exists(file)
        ? Optional.of(Path.of(Files.readString(file).strip()))
        : Optional.empty();
  }
}
