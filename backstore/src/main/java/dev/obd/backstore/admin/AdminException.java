package dev.obd.backstore.admin;

import java.io.IOException;

/** A request that is refused, or failed in a way the client can do something about. */
public final class AdminException extends IOException {
  private static final long serialVersionUID = 1;

  private final int status;
  private final String error;
  private final String hint;

  /**
   * Without a hint.
   *
   * @param error a word that programs can look for: {@code not-found}
   */
  public AdminException(int status, String error, String message) {
    this(status, error, message, "");
  }

  /**
   * As above.
   *
   * @param hint what to do about it
   */
  public AdminException(int status, String error, String message, String hint) {
    super(message);
    this.status = status;
    this.error = error;
    this.hint = hint;
  }

  Answer answer() {
    return Answer.failure(status, error, String.valueOf(getMessage()), hint);
  }
}
