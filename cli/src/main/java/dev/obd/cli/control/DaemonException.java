package dev.obd.cli.control;

import java.io.IOException;

/** The daemon refused, or failed; the message is its own, with its hint. */
public final class DaemonException extends IOException {
  private static final long serialVersionUID = 1;

  private final int status;
  private final String error;

  DaemonException(int status, String error, String message) {
    super(message);
    this.status = status;
    this.error = error;
  }

  /** HTTP's status. */
  public int status() {
    return status;
  }

  /** The word for programs: {@code not-found}, {@code busy}. */
  public String error() {
    return error;
  }
}
