package dev.obd.testdata;

import java.time.Duration;

/** How a {@link FaultyRegistry} wants its clients to prove who they are. */
public sealed interface Auth {
  /** Everybody may do everything. */
  record Open() implements Auth {}

  /** Basic authentication. */
  record Basic(String user, String password) implements Auth {}

  /**
   * Bearer tokens from {@code /token} of the same server. A token without credentials grants pull
   * if {@code anonymousPull}.
   *
   * @param lifetime how long a token is accepted
   */
  record Bearer(
      String user, String password, Duration lifetime, boolean anonymousPull, Dialect dialect)
      implements Auth {
    public Bearer(String user, String password, Duration lifetime) {
      this(user, password, lifetime, true, Dialect.DOCKER);
    }
  }

  /** What the services in the field do differently. */
  enum Dialect {
    /** {@code token} and {@code expires_in}. */
    DOCKER,
    /** {@code access_token} instead of {@code token}. */
    ACCESS_TOKEN,
    /** No {@code expires_in}: the client must assume 60 s. */
    NO_EXPIRY,
    /** The challenge comes together with one for Basic, in one header field. */
    TWO_CHALLENGES,
    /** The same challenge twice. */
    DUPLICATE,
    /** Lower-case scheme, unquoted parameters where that is legal, another order, more spaces. */
    ODD_SPELLING
  }

  /** No authentication. */
  static Auth open() {
    return new Open();
  }
}
