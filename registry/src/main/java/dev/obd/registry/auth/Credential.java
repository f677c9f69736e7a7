package dev.obd.registry.auth;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** What a registry or its token service is shown. Never printed. */
public sealed interface Credential {
  /** Nothing. */
  Credential ANONYMOUS = new Anonymous();

  /** No credential at all. */
  record Anonymous() implements Credential {}

  /** A user name and a password. */
  record UserPassword(String user, String password) implements Credential {
    /** The value of an Authorization header. */
    public String basic() {
      byte[] pair = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
      return "Basic " + Base64.getEncoder().encodeToString(pair);
    }

    @Override
    public String toString() {
      return "user " + user;
    }
  }

  /** A refresh token, to be exchanged at the token service. */
  record IdentityToken(String token) implements Credential {
    @Override
    public String toString() {
      return "identity token";
    }
  }

  /** A token to be sent to the registry as it is. */
  record BearerToken(String token) implements Credential {
    @Override
    public String toString() {
      return "bearer token";
    }
  }
}
