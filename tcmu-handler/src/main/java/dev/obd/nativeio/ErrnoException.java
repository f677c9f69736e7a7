package dev.obd.nativeio;

import java.io.IOException;

/** A system call failed; the message names the call, its arguments and the error. */
public final class ErrnoException extends IOException {
  private final int errno;

  /**
   * @param call the call as one would write it: {@code open(/dev/fuse)}
   * @param errno the positive error number
   */
  public ErrnoException(String call, int errno) {
    super(call + ": " + Errno.describe(errno));
    this.errno = errno;
  }

  /** The positive error number. */
  public int errno() {
    return errno;
  }

  /** True if it failed with {@code error}. */
  public boolean is(Errno error) {
    return errno == error.number();
  }
}
