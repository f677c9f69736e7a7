package dev.obd.backstore.fleet;

import java.io.IOException;

/** What was asked of the fleet cannot be done; the message says why. */
public final class FleetException extends IOException {
  private static final long serialVersionUID = 1;

  /** What the caller can do about it. */
  public enum Kind {
    /** There is no device of that name. */
    UNKNOWN,
    /** The name, the mount point or the device is taken, or something else is going on with it. */
    CONFLICT,
    /** This machine, this door or this image cannot do it. */
    UNSUPPORTED
  }

  private final Kind kind;

  FleetException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
