package dev.obd.backstore.nbd;

import java.io.IOException;

/** The server answered a request with an error. The connection is still good. */
public final class NbdException extends IOException {
  private static final long serialVersionUID = 1;

  private final int code;

  NbdException(String request, int code) {
    super(request + ": " + nameOf(code));
    this.code = code;
  }

  /** The error as the protocol numbers it: 5 is EIO, 22 is EINVAL. */
  public int code() {
    return code;
  }

  private static String nameOf(int code) {
    for (NbdError error : NbdError.values()) {
      if (error.code() == code) {
        return error.name();
      }
    }
    return "error " + code;
  }
}
