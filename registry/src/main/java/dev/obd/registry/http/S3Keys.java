package dev.obd.registry.http;

import java.util.Map;
import java.util.Optional;

/**
 * A key to an object store. Never printed.
 *
 * @param session a temporary key's token
 */
public record S3Keys(String id, String secret, Optional<String> session) {
  /** {@code AWS_ACCESS_KEY_ID}, {@code AWS_SECRET_ACCESS_KEY}, {@code AWS_SESSION_TOKEN}. */
  public static Optional<S3Keys> ofEnvironment(Map<String, String> environment) {
    String id = environment.getOrDefault("AWS_ACCESS_KEY_ID", "");
    String secret = environment.getOrDefault("AWS_SECRET_ACCESS_KEY", "");
    String token = environment.getOrDefault("AWS_SESSION_TOKEN", "");
    return id.isEmpty() || secret.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new S3Keys(id, secret, token.isEmpty() ? Optional.empty() : Optional.of(token)));
  }

  @Override
  public String toString() {
    return "key " + id;
  }
}
