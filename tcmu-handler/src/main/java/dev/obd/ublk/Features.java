package dev.obd.ublk;

/** What the driver can do, as bits. */
final class Features {
  /** Requests wait for the next process when this one has ended. */
  static final long USER_RECOVERY = 1 << 3;

  /** So do those that the dead process was working on. */
  static final long USER_RECOVERY_REISSUE = 1 << 4;

  /** Commands are numbered like those of ioctl. */
  static final long CMD_IOCTL_ENCODE = 1 << 6;

  /** The size of a device can be changed; Linux 6.16. */
  static final long UPDATE_SIZE = 1 << 10;

  /** What we cannot do without. */
  static final long NEEDED = USER_RECOVERY | USER_RECOVERY_REISSUE | CMD_IOCTL_ENCODE;

  private Features() {}
}
