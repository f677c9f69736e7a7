package dev.obd.nativeio;

/** Linux error numbers that are met or sent here; the same on x86-64 and aarch64. */
public enum Errno {
  EPERM(1, "operation not permitted"),
  ENOENT(2, "no such file or directory"),
  EINTR(4, "interrupted"),
  EIO(5, "input/output error"),
  ENXIO(6, "no such device or address"),
  EBADF(9, "bad file descriptor"),
  EAGAIN(11, "try again"),
  ENOMEM(12, "out of memory"),
  EACCES(13, "permission denied"),
  ENOTBLK(15, "block device required"),
  EFAULT(14, "bad address"),
  EBUSY(16, "device or resource busy"),
  EEXIST(17, "file exists"),
  EXDEV(18, "different file systems"),
  ENODEV(19, "no such device"),
  ENOTDIR(20, "not a directory"),
  EISDIR(21, "is a directory"),
  EINVAL(22, "invalid argument"),
  EMFILE(24, "too many open files"),
  ENOTTY(25, "not supported by this device"),
  EFBIG(27, "file too large"),
  ENOSPC(28, "no space left on device"),
  EROFS(30, "read-only file system"),
  ENOSYS(38, "function not implemented"),
  ENOTEMPTY(39, "directory not empty"),
  ETIME(62, "timer expired"),
  EPROTO(71, "protocol error"),
  EMSGSIZE(90, "message too long"),
  EOPNOTSUPP(95, "operation not supported"),
  ECONNABORTED(103, "connection aborted"),
  ENOBUFS(105, "no buffer space available"),
  ENOTCONN(107, "transport endpoint is not connected"),
  ETIMEDOUT(110, "connection timed out"),
  EUCLEAN(117, "structure needs cleaning");

  private final int number;
  private final String text;

  Errno(int number, String text) {
    this.number = number;
    this.text = text;
  }

  /** The positive number, as in {@code errno}. */
  public int number() {
    return number;
  }

  /** {@code EBUSY: device or resource busy}, or {@code errno 200} for one that is not listed. */
  public static String describe(int number) {
    for (Errno known : values()) {
      if (known.number == number) {
        return known + ": " + known.text;
      }
    }
    return "errno " + number;
  }
}
