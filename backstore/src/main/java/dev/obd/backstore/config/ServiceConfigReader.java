package dev.obd.backstore.config;

import dev.obd.backstore.cache.CacheConfig;
import dev.obd.backstore.config.ServiceConfig.Audit;
import dev.obd.backstore.config.ServiceConfig.Cache;
import dev.obd.backstore.config.ServiceConfig.ClientCertificate;
import dev.obd.backstore.config.ServiceConfig.Credentials;
import dev.obd.backstore.config.ServiceConfig.Exporter;
import dev.obd.backstore.config.ServiceConfig.Level;
import dev.obd.backstore.config.ServiceConfig.Log;
import dev.obd.backstore.config.ServiceConfig.Own;
import dev.obd.backstore.config.ServiceConfig.P2p;
import dev.obd.backstore.config.ServiceConfig.Snapshots;
import dev.obd.backstore.device.OnStall;
import dev.obd.backstore.source.PrefetchLimits;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads {@code overlaybd.json}. Every key of the original is honoured, or refused by name with what
 * to do instead. Relative paths are relative to the process's directory, as there.
 */
public final class ServiceConfigReader {

  private static final Path HERE = Path.of("");
  private static final int MAX_GIGABYTES = 1 << 20;
  private static final int BLOCK = 4 << 10;
  private static final int MAX_UNIT = 4 << 20;
  private static final int MAX_SECONDS = 24 * 3600;
  private static final int MAX_MIRRORS = 64;

  static final ServiceConfig DEFAULTS = defaults(); // last: reading uses the constants above

  private final ConfigObject top;
  private final List<String> remarks = new ArrayList<>();

  private ServiceConfigReader(ConfigObject top) {
    this.top = top;
  }

  /** Reads {@code path}; if there is no such file, all is as by default. */
  public static ServiceConfig read(Path path) throws IOException {
    return Files.exists(path)
        ? new ServiceConfigReader(ConfigObject.read(path)).config(Optional.of(path))
        : DEFAULTS;
  }

  /** Parses {@code text}; {@code file} names it in errors. */
  public static ServiceConfig parse(String file, String text) throws ConfigException {
    return new ServiceConfigReader(ConfigObject.parse(file, text)).config(Optional.empty());
  }

  private static ServiceConfig defaults() {
    try {
      return parse("defaults", "{}");
    } catch (ConfigException e) {
      throw new IllegalStateException(e);
    }
  }

  private ServiceConfig config(Optional<Path> file) throws ConfigException {
    refuseWhatThereIsNot();
    String client = top.string("registryFsVersion", "v2");
    if (!client.equals("v2")) {
      remarks.add("registryFsVersion: there is one registry client, and it is not " + client);
    }
    Cache cache = cache();
    gzipCache();
    Credentials credentials = credentials();
    Optional<ConfigObject> download = top.object("download");
    return new ServiceConfig(
        file,
        log(),
        new Audit(
            top.bool("enableAudit", true),
            top.path("auditPath", HERE).orElse(Path.of("/var/log/overlaybd-audit.log"))),
        cache,
        credentials,
        download.isPresent() ? DownloadConfig.read(download.get()) : DownloadConfig.DEFAULTS,
        p2p(),
        exporter(),
        prefetchConcurrency(),
        certificate(),
        top.string("userAgent"),
        snapshots(),
        own(),
        top.unknown(),
        List.copyOf(remarks));
  }

  private void refuseWhatThereIsNot() throws ConfigException {
    int engine = top.whole("ioEngine", 0, 0, Integer.MAX_VALUE);
    if (engine != 0) {
      throw top.wrong(
          "ioEngine", "0: obd reads local layers in one way, which this is the name of", engine);
    }
    if (top.bool("enableThread", false)) {
      throw top.wrong(
          "enableThread", "false: obd serves each device on threads of its own anyway", true);
    }
  }

  private Log log() throws ConfigException {
    Optional<ConfigObject> modern = top.object("logConfig");
    int legacyLevel = top.whole("logLevel", 1, 0, 9);
    String legacyPath = top.string("logPath", "/var/log/overlaybd.log");
    if (modern.isPresent()) {
      ConfigObject o = modern.get();
      Log log =
          new Log(
              level(o.whole("logLevel", 1, 0, 9)),
              o.path("logPath", HERE),
              (long) o.whole("logSizeMB", 10, 1, 1 << 20) << 20,
              o.whole("logRotateNum", 3, 1, 1000));
      if (log.path().isPresent()) {
        return log;
      }
    }
    Optional<Path> path = legacyPath.isEmpty() ? Optional.empty() : top.path("logPath", HERE);
    if (path.isEmpty() && !legacyPath.isEmpty()) {
      path = Optional.of(Path.of(legacyPath));
    }
    return new Log(level(legacyLevel), path, 10 << 20, 3);
  }

  private static Level level(int number) {
    Level[] levels = Level.values();
    return levels[Math.min(number, levels.length - 1)]; // above error there is only worse
  }

  private Cache cache() throws ConfigException {
    Optional<ConfigObject> modern = top.object("cacheConfig");
    String legacyType = top.string("cacheType", "file");
    Path legacyDir =
        top.path("registryCacheDir", HERE).orElse(Path.of("/opt/overlaybd/registry_cache"));
    int legacySize = top.whole("registryCacheSizeGB", 4, 0, MAX_GIGABYTES);
    if (modern.isEmpty()) {
      requireFile(top, legacyType);
      return new Cache(legacyDir, (long) legacySize << 30, 256 << 10);
    }
    ConfigObject o = modern.get();
    String type = o.string("cacheType", "");
    int unit = o.whole("refillSize", 256 << 10, BLOCK, MAX_UNIT);
    if (Integer.bitCount(unit) != 1) {
      throw o.wrong("refillSize", "a power of two from " + BLOCK + " to " + MAX_UNIT, unit);
    }
    // Understood, and without a meaning where the cache is no "ocf".
    int _ = o.whole("blockSize", 64 << 10, 0, Integer.MAX_VALUE);
    Path dir = o.path("cacheDir", HERE).orElse(Path.of("/opt/overlaybd/registry_cache"));
    int size = o.whole("cacheSizeGB", 4, 0, MAX_GIGABYTES);
    if (type.isEmpty()) {
      requireFile(top, legacyType);
      return new Cache(legacyDir, (long) legacySize << 30, unit);
    }
    requireFile(o, type);
    return new Cache(dir, (long) size << 30, unit);
  }

  private static void requireFile(ConfigObject o, String type) throws ConfigException {
    switch (type) {
      case "file" -> {}
      case "ocf" ->
          throw o.wrong(
              "cacheType",
              "file: obd has no ocf cache; 'file' is as strict and survives crashes",
              type);
      case "download" ->
          throw o.wrong(
              "cacheType",
              "file: to keep whole layers in their directories set download.enable instead",
              type);
      default -> throw o.wrong("cacheType", "file", ConfigObject.quoted(type));
    }
  }

  /** Only turboOCI layers use it. */
  private void gzipCache() throws ConfigException {
    Optional<ConfigObject> found = top.object("gzipCacheConfig");
    if (found.isPresent()) {
      ConfigObject o = found.get();
      boolean _ = o.bool("enable", false);
      Optional<Path> _ = o.path("cacheDir", HERE);
      int _ = o.whole("cacheSizeGB", 4, 0, MAX_GIGABYTES);
      int _ = o.whole("refillSize", 1 << 20, BLOCK, Integer.MAX_VALUE);
    }
  }

  private Credentials credentials() throws ConfigException {
    String legacyPath = top.string("credentialFilePath", "/opt/overlaybd/cred.json");
    var legacy =
        new Credentials(
            Credentials.Mode.FILE,
            legacyPath,
            Duration.ofSeconds(1),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
    Optional<ConfigObject> modern = top.object("credentialConfig");
    if (modern.isEmpty()) {
      return legacy;
    }
    ConfigObject o = modern.get();
    String mode = o.string("mode", "");
    var credentials =
        new Credentials(
            switch (mode) {
              case "", "file" -> Credentials.Mode.FILE;
              case "http" -> Credentials.Mode.HTTP;
              case "https" -> Credentials.Mode.HTTPS;
              case "uds" -> Credentials.Mode.UDS;
              default ->
                  throw o.wrong("mode", "file, http, https or uds", ConfigObject.quoted(mode));
            },
            o.string("path", ""),
            Duration.ofSeconds(o.whole("timeout", 1, 1, MAX_SECONDS)),
            o.path("client_cert_path", HERE),
            o.path("client_key_path", HERE),
            o.path("server_ca_path", HERE));
    return mode.isEmpty() ? legacy : credentials;
  }

  private P2p p2p() throws ConfigException {
    Optional<ConfigObject> o = top.object("p2pConfig");
    String fallback = "http://localhost:9731/accelerator";
    return o.isEmpty()
        ? new P2p(false, URI.create(fallback))
        : new P2p(o.get().bool("enable", false), p2pAddress(o.get(), fallback));
  }

  /** The original's own example has an address without a scheme, and takes it for plain HTTP. */
  private static URI p2pAddress(ConfigObject o, String absent) throws ConfigException {
    String text = o.string("address", absent);
    return parsed(o, "address", text.contains("://") ? text : "http://" + text);
  }

  private static URI url(ConfigObject o, String key, String absent) throws ConfigException {
    return parsed(o, key, o.string(key, absent));
  }

  private static URI parsed(ConfigObject o, String key, String text) throws ConfigException {
    try {
      URI uri = new URI(text);
      if (uri.getHost() != null
          && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // reported below
    }
    throw o.wrong(key, "http://HOST[:PORT]/...", ConfigObject.quoted(text));
  }

  private Exporter exporter() throws ConfigException {
    Optional<ConfigObject> found = top.object("exporterConfig");
    if (found.isEmpty()) {
      return new Exporter(false, "/metrics", 9863);
    }
    ConfigObject o = found.get();
    String prefix = o.string("uriPrefix", "/metrics");
    if (!prefix.startsWith("/")) {
      throw o.wrong("uriPrefix", "a path that begins with /", ConfigObject.quoted(prefix));
    }
    // The original reads it and never looks at it.
    long _ = o.whole("updateInterval", 60_000_000L, 0, Long.MAX_VALUE);
    return new Exporter(o.bool("enable", false), prefix, o.whole("port", 9863, 1, 65535));
  }

  private int prefetchConcurrency() throws ConfigException {
    Optional<ConfigObject> o = top.object("prefetchConfig");
    return o.isEmpty() ? 16 : o.get().whole("concurrency", 16, 1, 256);
  }

  private ClientCertificate certificate() throws ConfigException {
    Optional<ConfigObject> found = top.object("certConfig");
    if (found.isEmpty()) {
      return new ClientCertificate(Optional.empty(), Optional.empty());
    }
    ConfigObject o = found.get();
    Optional<Path> certificate = o.path("certFile", HERE);
    Optional<Path> key = o.path("keyFile", HERE);
    if (certificate.isPresent() != key.isPresent()) {
      throw o.wrong(
          certificate.isPresent() ? "keyFile" : "certFile",
          "a file, as the other is given",
          "none");
    }
    return new ClientCertificate(certificate, key);
  }

  private Snapshots snapshots() throws ConfigException {
    Optional<ConfigObject> o = top.object("serviceConfig");
    String fallback = "http://127.0.0.1:9862";
    return o.isEmpty()
        ? new Snapshots(false, URI.create(fallback))
        : new Snapshots(o.get().bool("enable", false), url(o.get(), "address", fallback));
  }

  private Own own() throws ConfigException {
    Optional<ConfigObject> found = top.object("obd");
    ConfigObject o = found.isPresent() ? found.get() : ConfigObject.parse(top.file(), "{}");
    return new Own(
        o.path("home", HERE),
        o.path("controlSocket", HERE),
        o.string("controlGroup"),
        Duration.ofSeconds(o.whole("stallLimitSeconds", 60, 1, MAX_SECONDS)),
        onStall(o),
        mirrors(o),
        o.whole("requestsPerSecond", 0, 0, 1_000_000),
        o.whole("expandPrefetch", 1, 1, CacheConfig.MAX_EXPAND),
        o.bool("readahead", false),
        prefetch(o));
  }

  private static PrefetchLimits prefetch(ConfigObject own) throws ConfigException {
    Optional<ConfigObject> found = own.object("prefetch");
    if (found.isEmpty()) {
      return PrefetchLimits.NONE;
    }
    ConfigObject o = found.get();
    return new PrefetchLimits(
        o.bool("enable", true),
        o.whole("threadsCount", 0, 0, PrefetchLimits.MOST_THREADS),
        noneOrAtLeast(o, "mergingSize", PrefetchLimits.LEAST_REQUEST),
        noneOrAtLeast(o, "bandwidthRate", PrefetchLimits.LEAST_RATE));
  }

  private static long noneOrAtLeast(ConfigObject o, String key, long least) throws ConfigException {
    long value = o.whole(key, 0L, 0, Long.MAX_VALUE);
    if (value > 0 && value < least) {
      throw o.wrong(key, "0 or at least " + least, value);
    }
    return value;
  }

  private static OnStall onStall(ConfigObject o) throws ConfigException {
    String text = o.string("onStall", "eio");
    try {
      return OnStall.parse(text);
    } catch (IllegalArgumentException e) {
      throw o.wrong("onStall", "eio, wait or readonly-cache", ConfigObject.quoted(text));
    }
  }

  private static Map<String, List<URI>> mirrors(ConfigObject o) throws ConfigException {
    Optional<ConfigObject> found = o.object("mirrors");
    Map<String, List<URI>> all = new LinkedHashMap<>();
    if (found.isPresent()) {
      for (String registry : found.get().keys()) {
        List<URI> mirrors = new ArrayList<>();
        for (String text : found.get().strings(registry, MAX_MIRRORS)) {
          mirrors.add(parsed(found.get(), registry, text));
        }
        all.put(registry, mirrors);
      }
    }
    return all;
  }
}
