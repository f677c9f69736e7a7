package dev.obd.registry.http;

import java.net.URI;
import java.util.Locale;

/** Scheme, host and port: what may see our credentials, and what shares connections. */
record Origin(String scheme, String host, int port) {
  static Origin of(URI uri) {
    String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
    int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
    return new Origin(scheme, uri.getHost().toLowerCase(Locale.ROOT), port);
  }

  boolean isPlain() {
    return scheme.equals("http");
  }

  @Override
  public String toString() {
    return scheme + "://" + host + ":" + port;
  }
}
