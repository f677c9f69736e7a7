package dev.obd.registry.tls;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Whom to trust, and who we are. Files are PEM, and are read once.
 *
 * @param authorities own certificates to trust
 * @param certificate our own certificate chain, for servers that ask for one
 * @param key its private key, PKCS#8 or RSA's own form, not encrypted
 * @param verification what a server's certificate is checked against
 */
public record TlsOptions(
    Optional<Path> authorities,
    Optional<Path> certificate,
    Optional<Path> key,
    Verification verification) {
  /** What a server's certificate is checked against. */
  public enum Verification {
    /** The JDK's authorities and our own; the host's name. */
    ALL_AUTHORITIES,
    /** Our own authorities and no others; the host's name. */
    OWN_AUTHORITIES,
    /** Nothing: anybody may pretend to be the server. Only when a user asks for it. */
    NOTHING
  }

  /** What the JDK trusts, no certificate of our own. */
  public static final TlsOptions DEFAULT =
      new TlsOptions(Optional.empty(), Optional.empty(), Optional.empty());

  public TlsOptions {
    if (certificate.isPresent() != key.isPresent()) {
      throw new IllegalArgumentException(
          "tls: a client certificate needs its key, and a key its certificate");
    }
    if (verification == Verification.OWN_AUTHORITIES && authorities.isEmpty()) {
      throw new IllegalArgumentException("tls: own authorities only, but none are given");
    }
  }

  /** Trusts {@code authorities} besides those the JDK trusts. */
  public TlsOptions(Optional<Path> authorities, Optional<Path> certificate, Optional<Path> key) {
    this(authorities, certificate, key, Verification.ALL_AUTHORITIES);
  }

  /** The same files, another way to check. */
  public TlsOptions withVerification(Verification replacement) {
    return new TlsOptions(authorities, certificate, key, replacement);
  }
}
