package dev.obd.backstore.nbd;

import dev.obd.backstore.device.Status;

/** Errors as the protocol numbers them, whatever this machine's errno values are. */
enum NbdError {
  NONE(0),
  EPERM(1),
  EIO(5),
  ENOMEM(12),
  EINVAL(22),
  ENOSPC(28),
  ENOTSUP(95),
  ESHUTDOWN(108);

  private final int code;

  NbdError(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  /**
   * @param change whether the request would have changed the disk: the protocol answers a write
   *     beyond the end with "no space"
   */
  static NbdError of(Status status, boolean change) {
    return switch (status) {
      case OK -> NONE;
      case OUT_OF_RANGE -> change ? ENOSPC : EINVAL;
      case MISALIGNED -> EINVAL;
      case READ_ONLY -> EPERM;
      case IO_ERROR, TIMED_OUT, DAMAGED -> EIO; // the protocol has no finer ones
      case NO_SPACE -> ENOSPC;
      case SHUTTING_DOWN -> ESHUTDOWN;
    };
  }
}
