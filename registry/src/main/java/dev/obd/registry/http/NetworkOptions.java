package dev.obd.registry.http;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The way to registries.
 *
 * @param proxies HTTP proxies on the way
 * @param accelerator where data is fetched from instead: {@code GET <accelerator>/<actual URL>},
 *     with the authorization the registry would get; used while it can be connected to
 * @param mirrors by registry as in references ({@code docker.io}, {@code host:5000}; {@code *} for
 *     all others): {@code scheme://host[:port][/prefix]}, tried in this order before the registry
 *     itself; the prefix goes before the repository's name
 */
public record NetworkOptions(
    ProxyOptions proxies, Optional<URI> accelerator, Map<String, List<URI>> mirrors) {
  private static final String ALL_OTHERS = "*";

  /** Straight there. */
  public static final NetworkOptions DIRECT =
      new NetworkOptions(ProxyOptions.NONE, Optional.empty(), Map.of());

  public NetworkOptions {
    accelerator.ifPresent(address -> requireHttp("accelerator", address));
    var copy = new LinkedHashMap<String, List<URI>>();
    mirrors.forEach((registry, list) -> {
      list.forEach(mirror -> requireHttp("mirror of " + registry, mirror));
      copy.put(registry, List.copyOf(list));
    });
    mirrors = Map.copyOf(copy);
  }

  public NetworkOptions withProxies(ProxyOptions replacement) {
    return new NetworkOptions(replacement, accelerator, mirrors);
  }

  public NetworkOptions withAccelerator(URI address) {
    return new NetworkOptions(proxies, Optional.of(address), mirrors);
  }

  public NetworkOptions withMirrors(Map<String, List<URI>> replacement) {
    return new NetworkOptions(proxies, accelerator, replacement);
  }

  /** The mirrors of a registry, best first. */
  List<URI> mirrorsOf(String registry) {
    List<URI> named = mirrors.get(registry);
    return named != null ? named : mirrors.getOrDefault(ALL_OTHERS, List.of());
  }

  private static void requireHttp(String what, URI uri) {
    boolean http = uri.getScheme() != null && uri.getScheme().matches("(?i)https?");
    if (!http || uri.getHost() == null || uri.getUserInfo() != null || uri.getQuery() != null) {
      throw new IllegalArgumentException(
          what + ": expected http[s]://host[:port][/path], got '" + uri + "'");
    }
  }
}
