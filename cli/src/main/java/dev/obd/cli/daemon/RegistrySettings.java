package dev.obd.cli.daemon;

import dev.obd.backstore.config.ConfigException;
import dev.obd.backstore.config.ServiceConfig;
import dev.obd.registry.auth.CredentialHelper;
import dev.obd.registry.auth.CredentialMode;
import dev.obd.registry.auth.CredentialProvider;
import dev.obd.registry.auth.CredentialProviders;
import dev.obd.registry.auth.DockerCredentials;
import dev.obd.registry.http.NetworkOptions;
import dev.obd.registry.http.ProxyOptions;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.registry.tls.TlsOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** How registries are spoken to, as a daemon's configuration has it. */
final class RegistrySettings {
  private static final Duration HELPER_PATIENCE = Duration.ofSeconds(20);

  private RegistrySettings() {}

  static RegistryOptions of(ServiceConfig config, String version, Map<String, String> environment)
      throws IOException {
    ServiceConfig.ClientCertificate certificate = config.certificate();
    return RegistryOptions.defaults()
        .withCredentials(credentials(config, environment))
        .withTls(new TlsOptions(Optional.empty(), certificate.certificate(), certificate.key()))
        .withNetwork(network(config, environment))
        .withUserAgent(config.userAgent().orElse("obd/" + version));
  }

  private static NetworkOptions network(ServiceConfig config, Map<String, String> environment)
      throws ConfigException {
    try {
      NetworkOptions options =
          NetworkOptions.DIRECT
              .withProxies(ProxyOptions.ofEnvironment(environment))
              .withMirrors(config.own().mirrors());
      return config.p2p().enabled() ? options.withAccelerator(config.p2p().address()) : options;
    } catch (IllegalArgumentException e) {
      throw new ConfigException(
          config.file().map(Path::toString).orElse("the environment"),
          String.valueOf(e.getMessage()));
    }
  }

  /**
   * As the configuration says; where there is no file of overlaybd's, what docker knows, as for
   * every other command.
   */
  private static CredentialProvider credentials(
      ServiceConfig config, Map<String, String> environment) throws IOException {
    ServiceConfig.Credentials from = config.credentials();
    if (from.mode() == ServiceConfig.Credentials.Mode.FILE
        && (from.path().isEmpty() || !Files.exists(Path.of(from.path())))) {
      Path home = Path.of(System.getProperty("user.home", "/"));
      return new DockerCredentials(
          DockerCredentials.defaultPath(environment, home), new CredentialHelper(HELPER_PATIENCE));
    }
    CredentialMode mode =
        switch (from.mode()) {
          case FILE -> CredentialMode.FILE;
          case HTTP -> CredentialMode.HTTP;
          case HTTPS -> CredentialMode.HTTPS;
          case UDS -> CredentialMode.UDS;
        };
    try {
      return CredentialProviders.of(
          mode,
          from.path(),
          from.timeout(),
          from.clientCertificate(),
          from.clientKey(),
          from.serverCa());
    } catch (IllegalArgumentException e) {
      throw new ConfigException(
          config.file().map(Path::toString).orElse("defaults"),
          "credentialConfig: " + e.getMessage());
    }
  }
}
