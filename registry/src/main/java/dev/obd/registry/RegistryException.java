package dev.obd.registry;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A registry did not do what was asked of it. The message says what was tried, where, and how it
 * ended.
 */
public class RegistryException extends IOException {
  private static final long serialVersionUID = 1;

  /** What the caller can do about it. */
  public enum Kind {
    /** 401 or 403 after a fresh token: credentials are missing or wrong. */
    UNAUTHORIZED,
    /** 404. */
    NOT_FOUND,
    /** 429. */
    TOO_MANY_REQUESTS,
    /** Network trouble, 5xx, a stalled or short body. */
    UNAVAILABLE,
    /** The time ran out. */
    TIMED_OUT,
    /** The answer is not what the protocol or the digest says. */
    BAD_ANSWER,
    /** The request is refused: unsupported, too large, denied by policy. */
    REFUSED
  }

  private final Kind kind;
  private final int status;

  public RegistryException(Kind kind, int status, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.status = status;
  }

  public Kind kind() {
    return kind;
  }

  /** The HTTP status, 0 if there was none. */
  public int status() {
    return status;
  }

  /** True if the same request may succeed later. */
  public boolean isRetryable() {
    return kind == Kind.TOO_MANY_REQUESTS || kind == Kind.UNAVAILABLE || kind == Kind.TIMED_OUT;
  }
}
