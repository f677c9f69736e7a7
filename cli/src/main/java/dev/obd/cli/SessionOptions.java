package dev.obd.cli;

import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.config.Home;
import dev.obd.backstore.source.PrefetchLimits;
import dev.obd.registry.Platform;
import dev.obd.registry.auth.CredentialHelper;
import dev.obd.registry.auth.CredentialProvider;
import dev.obd.registry.auth.DockerCredentials;
import dev.obd.registry.auth.OverlaybdCredentials;
import dev.obd.registry.http.NetworkOptions;
import dev.obd.registry.http.PlainHttp;
import dev.obd.registry.http.ProxyOptions;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.registry.tls.TlsOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of every command that reads images: registries and the cache. */
final class SessionOptions {
  private static final Duration HELPER_PATIENCE = Duration.ofSeconds(20);

  @Option(
      names = "--cache-size",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description = "Most bytes of remote blobs kept on disk (default 10G; 0 keeps nothing).")
  private @Nullable Long cacheSize;

  @Option(
      names = "--cache-unit",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description =
          "How much is fetched and kept as one, a power of two (default: 16K is kept as one, and a read that misses fetches 64K).")
  private @Nullable Long cacheUnit;

  @Option(
      names = "--expand",
      paramLabel = "N",
      description = "Fetch N times what a read misses, from there on (default 1).")
  private @Nullable Integer expand;

  @Option(
      names = "--insecure",
      description = "Speak plain HTTP to registries that are not on this machine, too.")
  private boolean insecure;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      description = "Trust these certificates (PEM) besides the JDK's.")
  private @Nullable Path ca;

  @Option(names = "--cert", paramLabel = "FILE", description = "Client certificate (PEM).")
  private @Nullable Path cert;

  @Option(
      names = "--key",
      paramLabel = "FILE",
      description = "The client certificate's private key (PEM).")
  private @Nullable Path key;

  @Option(
      names = "--credentials",
      paramLabel = "FILE",
      description =
          "overlaybd's cred.json; without it docker's config.json and its helpers are used.")
  private @Nullable Path credentials;

  @Option(
      names = "--platform",
      paramLabel = "OS/ARCH",
      description = "Which image of a multi-platform index (default: this machine's).")
  private @Nullable String platform;

  Session open() throws IOException {
    return open(Home.ofProcess());
  }

  Session open(Home home) throws IOException {
    return open(home, registry(), PrefetchLimits.NONE);
  }

  Session open(PrefetchLimits prefetch) throws IOException {
    return open(Home.ofProcess(), registry(), prefetch);
  }

  /** For a look: what does not answer within {@code patience}, or twice, is given up. */
  Session openImpatient(Duration patience) throws IOException {
    return open(
        Home.ofProcess(),
        registry().withPatience(patience.multipliedBy(4).dividedBy(5), 2),
        PrefetchLimits.NONE);
  }

  private Session open(Home home, RegistryOptions registry, PrefetchLimits prefetch)
      throws IOException {
    CacheConfig cache = CacheConfig.in(home.cache());
    if (cacheUnit != null) {
      cache = cache.withUnit(Math.toIntExact(cacheUnit));
    }
    if (cacheSize != null) {
      cache = cache.withCapacity(cacheSize);
    }
    if (expand != null) {
      cache = cache.withExpand(expand);
    }
    return new Session(home, registry, cache, platform(), prefetch);
  }

  Platform platform() {
    return platform == null ? Platform.current() : Platform.parse(platform);
  }

  private RegistryOptions registry() {
    return RegistryOptions.defaults()
        .withCredentials(credentials())
        .withPlainHttp(insecure ? PlainHttp.ALWAYS : PlainHttp.LOOPBACK)
        .withTls(
            new TlsOptions(
                Optional.ofNullable(ca), Optional.ofNullable(cert), Optional.ofNullable(key)))
        .withNetwork(NetworkOptions.DIRECT.withProxies(ProxyOptions.ofEnvironment(System.getenv())))
        .withUserAgent("obd");
  }

  CredentialProvider credentials() {
    if (credentials != null) {
      return new OverlaybdCredentials(credentials);
    }
    Path home = Path.of(System.getProperty("user.home", "/"));
    return new DockerCredentials(
        DockerCredentials.defaultPath(System.getenv(), home),
        new CredentialHelper(HELPER_PATIENCE));
  }
}
