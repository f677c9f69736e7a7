package dev.obd.registry.auth;

import dev.obd.registry.RegistryClock;
import dev.obd.registry.tls.TlsOptions;
import dev.obd.registry.tls.TlsOptions.Verification;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Providers of the kinds that overlaybd's configuration knows. */
public final class CredentialProviders {
  private CredentialProviders() {}

  /**
   * The provider of a mode. Asks nobody yet; the certificates of {@link CredentialMode#HTTPS} are
   * read here.
   *
   * @param path the mode's file, URL or socket
   * @param timeout for one whole question to a service; files are just read
   * @param certificate our own certificate chain for {@link CredentialMode#HTTPS}, PEM
   * @param key its private key
   * @param authorities if given, the only ones a service's certificate is checked against
   * @throws IOException if a certificate or key cannot be read
   * @throws IllegalArgumentException if the path is empty or not of the mode's kind
   */
  public static CredentialProvider of(
      CredentialMode mode,
      String path,
      Duration timeout,
      Optional<Path> certificate,
      Optional<Path> key,
      Optional<Path> authorities)
      throws IOException {
    if (path.isEmpty()) {
      throw new IllegalArgumentException("credentials: mode " + mode + " needs a path");
    }
    if (!timeout.isPositive()) {
      throw new IllegalArgumentException("credentials: timeout must be positive, is " + timeout);
    }
    RegistryClock clock = RegistryClock.SYSTEM;
    return switch (mode) {
      case FILE -> new OverlaybdCredentials(Path.of(path));
      case HTTP -> CredentialService.http(path, timeout, clock);
      case HTTPS -> {
        var tls = new TlsOptions(authorities, certificate, key);
        yield CredentialService.https(
            path,
            authorities.isEmpty() ? tls : tls.withVerification(Verification.OWN_AUTHORITIES),
            timeout,
            clock);
      }
      case UDS -> CredentialService.uds(Path.of(path), timeout, clock);
    };
  }
}
