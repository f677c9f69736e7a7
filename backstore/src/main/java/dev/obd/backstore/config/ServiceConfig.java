package dev.obd.backstore.config;

import dev.obd.backstore.device.OnStall;
import dev.obd.backstore.source.PrefetchLimits;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * overlaybd's file for the whole process, {@code overlaybd.json}, with obd's own keys under {@code
 * obd}.
 *
 * @param file where it was read from; empty if there was none and all is as by default
 * @param prefetchConcurrency requests of one replay in flight at once
 * @param userAgent empty: obd's own
 * @param unknownKeys keys that were found and mean nothing to obd, for a warning
 * @param remarks what obd does otherwise than the file's author may expect, for a warning
 */
public record ServiceConfig(
    Optional<Path> file,
    Log log,
    Audit audit,
    Cache cache,
    Credentials credentials,
    DownloadConfig download,
    P2p p2p,
    Exporter exporter,
    int prefetchConcurrency,
    ClientCertificate certificate,
    Optional<String> userAgent,
    Snapshots snapshots,
    Own own,
    List<String> unknownKeys,
    List<String> remarks) {
  /** Levels of overlaybd, by their numbers: 0 is debug. */
  public enum Level {
    DEBUG,
    INFO,
    WARN,
    ERROR
  }

  /**
   * The log.
   *
   * @param path empty: standard output
   * @param bytes of one file at most
   * @param files kept, the one being written included
   */
  public record Log(Level level, Optional<Path> path, long bytes, int files) {}

  /** The audit log; rotated at 10 MiB, three files. */
  public record Audit(boolean enabled, Path path) {}

  /**
   * The cache of remote blobs.
   *
   * @param refillBytes what a read that misses fetches ({@code refillSize}): a power of two
   */
  public record Cache(Path directory, long capacityBytes, int refillBytes) {}

  /**
   * Where credentials come from.
   *
   * @param path of the file, of the server ({@code http://...}) or of the socket; empty: anonymous
   * @param timeout of one look-up over http, https or uds
   */
  public record Credentials(
      Mode mode,
      String path,
      Duration timeout,
      Optional<Path> clientCertificate,
      Optional<Path> clientKey,
      Optional<Path> serverCa) {
    /** Names of overlaybd, in lower case there. */
    public enum Mode {
      FILE,
      HTTP,
      HTTPS,
      UDS
    }
  }

  /** A proxy whose address is put before the URL of every data request. */
  public record P2p(boolean enabled, URI address) {}

  /** The Prometheus endpoint. */
  public record Exporter(boolean enabled, String uriPrefix, int port) {}

  /** The client certificate for registries, PEM. */
  public record ClientCertificate(Optional<Path> certificate, Optional<Path> key) {}

  /** The live snapshot endpoint. */
  public record Snapshots(boolean enabled, URI address) {}

  /**
   * obd's own keys.
   *
   * @param home where obd keeps what it keeps; empty: as for every command
   * @param controlSocket the control API's socket; empty: in the home
   * @param controlGroup the group that may use it besides the owner
   * @param stallLimit how long a read waits for the registry
   * @param mirrors by registry as in references ({@code *} for all others), best first
   * @param requestsPerSecond most that one host is asked; 0: as many as it puts up with
   * @param expandPrefetch how many times what a read misses is fetched, from there on; 1: what is
   *     missed
   * @param readahead whether who reads a remote layer in order is fetched ahead of
   * @param prefetch ceilings of everything that is fetched ahead
   */
  public record Own(
      Optional<Path> home,
      Optional<Path> controlSocket,
      Optional<String> controlGroup,
      Duration stallLimit,
      OnStall onStall,
      Map<String, List<URI>> mirrors,
      int requestsPerSecond,
      int expandPrefetch,
      boolean readahead,
      PrefetchLimits prefetch) {
    public Own {
      mirrors = Map.copyOf(mirrors);
    }
  }

  /** What holds where there is no file: overlaybd's own defaults. */
  public static ServiceConfig defaults() {
    return ServiceConfigReader.DEFAULTS;
  }

  /** The defaults of a process that keeps everything in {@code home} and logs to its output. */
  public static ServiceConfig in(Home home) {
    ServiceConfig d = defaults();
    return new ServiceConfig(
        Optional.empty(),
        new Log(Level.INFO, Optional.empty(), d.log.bytes, d.log.files),
        new Audit(false, home.root().resolve("audit.log")),
        new Cache(home.cache(), 10L << 30, 64 << 10),
        d.credentials,
        d.download,
        d.p2p,
        d.exporter,
        d.prefetchConcurrency,
        d.certificate,
        d.userAgent,
        d.snapshots,
        new Own(
            Optional.of(home.root()),
            Optional.empty(),
            Optional.empty(),
            d.own.stallLimit,
            d.own.onStall,
            d.own.mirrors,
            d.own.requestsPerSecond,
            d.own.expandPrefetch,
            d.own.readahead,
            d.own.prefetch),
        List.of(),
        List.of());
  }
}
