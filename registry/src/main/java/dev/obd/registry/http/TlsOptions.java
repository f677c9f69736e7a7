package dev.obd.registry.http;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Whom to trust, and who we are. Files are PEM.
 *
 * @param authorities certificates trusted besides those the JDK trusts
 * @param certificate our own certificate chain, for registries that ask for one
 * @param key its private key, PKCS#8 or RSA's own form, not encrypted
 */
public record TlsOptions(
    Optional<Path> authorities, Optional<Path> certificate, Optional<Path> key) {
  /** What the JDK trusts, no certificate of our own. */
  public static final TlsOptions DEFAULT =
      new TlsOptions(Optional.empty(), Optional.empty(), Optional.empty());

  public TlsOptions {
    if (certificate.isPresent() != key.isPresent()) {
      throw new IllegalArgumentException(
          "tls: a client certificate needs its key, and a key its certificate");
    }
  }
}
