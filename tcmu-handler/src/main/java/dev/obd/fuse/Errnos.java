package dev.obd.fuse;

import dev.obd.backstore.device.Status;
import dev.obd.nativeio.Errno;

/** What a {@link Status} is to a process that reads or writes the file. */
final class Errnos {
  private Errnos() {}

  /** The positive error number, 0 for {@link Status#OK}. */
  static int of(Status status) {
    return switch (status) {
      case OK -> 0;
      case OUT_OF_RANGE, MISALIGNED -> Errno.EINVAL.number();
      case READ_ONLY -> Errno.EROFS.number();
      // One number for whatever a program can only report: the device's log has the reason.
      case IO_ERROR, TIMED_OUT, DAMAGED -> Errno.EIO.number();
      case NO_SPACE -> Errno.ENOSPC.number();
      case SHUTTING_DOWN -> Errno.ENODEV.number();
    };
  }
}
