package dev.obd.registry.http;

/** Which registries are spoken to without TLS. */
public enum PlainHttp {
  /** Those on this machine: {@code localhost}, 127.0.0.0/8, ::1. */
  LOOPBACK,
  /** All. */
  ALWAYS,
  /** None. */
  NEVER;

  /** {@code http} or {@code https} for this {@code host[:port]}. */
  String scheme(String endpoint) {
    return this == ALWAYS || (this == LOOPBACK && isLoopback(endpoint)) ? "http" : "https";
  }

  private static boolean isLoopback(String endpoint) {
    if (endpoint.startsWith("[")) {
      return endpoint.startsWith("[::1]");
    }
    int colon = endpoint.indexOf(':');
    String host = colon < 0 ? endpoint : endpoint.substring(0, colon);
    return host.equals("localhost") || host.matches("127(\\.[0-9]{1,3}){3}");
  }
}
