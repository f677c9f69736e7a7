package dev.obd.registry.http;

import java.net.InetAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Which hosts are reached through an HTTP proxy. This machine never is.
 *
 * @param plain the proxy for plain HTTP, {@code http://[user:password@]host:port}
 * @param tls the proxy that is asked for tunnels, likewise
 * @param bypass hosts reached directly: {@code host} and all below it, {@code .below}, {@code
 *     host:port}, an address, {@code address/bits}, {@code *}
 */
public record ProxyOptions(Optional<URI> plain, Optional<URI> tls, List<String> bypass) {
  /** No proxy. */
  public static final ProxyOptions NONE =
      new ProxyOptions(Optional.empty(), Optional.empty(), List.of());

  public ProxyOptions {
    plain.ifPresent(ProxyOptions::check);
    tls.ifPresent(ProxyOptions::check);
    bypass = List.copyOf(bypass);
  }

  /** One proxy for everything but {@code bypass}. */
  public static ProxyOptions of(URI proxy, List<String> bypass) {
    return new ProxyOptions(Optional.of(proxy), Optional.of(proxy), bypass);
  }

  /**
   * As {@code HTTP_PROXY}, {@code HTTPS_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY} say, in
   * either case.
   *
   * @throws IllegalArgumentException if one is not a proxy's URL
   */
  public static ProxyOptions ofEnvironment(Map<String, String> environment) {
    Optional<String> all = variable(environment, "ALL_PROXY");
    // Not the upper-case HTTP_PROXY only: whoever serves CGI has one that clients can set, but obd
    // does not, and users expect it.
    Optional<URI> plain = variable(environment, "HTTP_PROXY").or(() -> all).map(ProxyOptions::url);
    Optional<URI> tls = variable(environment, "HTTPS_PROXY").or(() -> all).map(ProxyOptions::url);
    List<String> bypass =
        variable(environment, "NO_PROXY").stream()
            .flatMap(list -> Arrays.stream(list.split("[,\\s]+")))
            .filter(entry -> !entry.isEmpty())
            .toList();
    return new ProxyOptions(plain, tls, bypass);
  }

  private static Optional<String> variable(Map<String, String> environment, String name) {
    String lower = environment.getOrDefault(name.toLowerCase(Locale.ROOT), "");
    String value = lower.isEmpty() ? environment.getOrDefault(name, "") : lower;
    return value.isEmpty() ? Optional.empty() : Optional.of(value.strip());
  }

  private static URI url(String text) {
    return URI.create(text.contains("://") ? text : "http://" + text);
  }

  private static void check(URI proxy) {
    if (!"http".equalsIgnoreCase(proxy.getScheme()) || proxy.getHost() == null) {
      throw new IllegalArgumentException(
          "proxy: expected http://[user:password@]host[:port], got scheme '"
              + proxy.getScheme()
              + "' and host '"
              + proxy.getHost()
              + "'");
    }
  }

  /** The proxy on the way to {@code origin}, if there is one. */
  Optional<URI> towards(Origin origin) {
    Optional<URI> proxy = origin.isPlain() ? plain : tls;
    return proxy.isEmpty() || isLocal(origin.host()) || isBypassed(origin)
        ? Optional.empty()
        : proxy;
  }

  private static boolean isLocal(String host) {
    return host.equals("localhost")
        || host.endsWith(".localhost")
        || address(host).filter(InetAddress::isLoopbackAddress).isPresent();
  }

  private boolean isBypassed(Origin origin) {
    return bypass.stream().anyMatch(entry -> matches(entry.toLowerCase(Locale.ROOT), origin));
  }

  private static boolean matches(String entry, Origin origin) {
    if (entry.equals("*")) {
      return true;
    }
    Optional<InetAddress> host = address(origin.host());
    int slash = entry.indexOf('/');
    if (slash >= 0) {
      Optional<InetAddress> net = address(entry.substring(0, slash));
      return host.isPresent() && net.isPresent() && within(host.get(), net.get(), entry, slash);
    }
    String name = entry;
    int colon = entry.lastIndexOf(':');
    if (colon >= 0 && entry.indexOf(':') == colon) {
      if (!entry.substring(colon + 1).equals(String.valueOf(origin.port()))) {
        return false;
      }
      name = entry.substring(0, colon);
    }
    if (host.isPresent()) {
      return address(name).equals(host);
    }
    String bare = name.startsWith("*.") ? name.substring(1) : name;
    return bare.startsWith(".")
        ? origin.host().endsWith(bare)
        : origin.host().equals(bare) || origin.host().endsWith("." + bare);
  }

  private static boolean within(InetAddress host, InetAddress net, String entry, int slash) {
    byte[] a = host.getAddress();
    byte[] b = net.getAddress();
    String bits = entry.substring(slash + 1);
    if (a.length != b.length || !bits.matches("[0-9]{1,3}")) {
      return false;
    }
    int most = Math.min(Integer.parseInt(bits), a.length * 8);
    for (int bit = 0; bit < most; bit++) {
      int mask = 0x80 >> (bit & 7);
      if (((a[bit / 8] ^ b[bit / 8]) & mask) != 0) {
        return false;
      }
    }
    return true;
  }

  /** An address written as one; no name is looked up. */
  private static Optional<InetAddress> address(String host) {
    String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    if (!bare.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}") && bare.indexOf(':') < 0) {
      return Optional.empty();
    }
    try {
      return Optional.of(InetAddress.ofLiteral(bare));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
