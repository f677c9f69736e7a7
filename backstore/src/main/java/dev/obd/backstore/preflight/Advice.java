package dev.obd.backstore.preflight;

import dev.obd.registry.RegistryException;

/** What to do about a registry's failure. */
final class Advice {
  private Advice() {}

  /**
   * @param host as in the image's name
   * @param anonymous whether no credentials were found
   */
  static String on(Throwable failure, String host, boolean anonymous) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof java.net.UnknownHostException) {
        return host
            + " has no address here: is the name right? Is the network up, and the VPN? Behind a proxy set"
            + " HTTPS_PROXY";
      }
    }
    if (!(failure instanceof RegistryException e)) {
      return "";
    }
    boolean tls = String.valueOf(e.getMessage()).contains("TLS");
    return switch (e.kind()) {
      case UNAUTHORIZED ->
          anonymous
              ? "log in: 'docker login %s', or give --credentials FILE; and see that the repository's name is right, registries often say this of those they do not have"
                  .formatted(host)
              : "the credentials were refused: have they expired, and may they read this repository?";
      case NOT_FOUND -> "see that repository and tag are spelled right and were pushed";
      case TOO_MANY_REQUESTS -> "wait, or log in: registries allow known users more";
      case UNAVAILABLE ->
          tls
              ? "is it plain HTTP there? Then --insecure"
              : "is the registry up, is the port right, does a firewall stand between? Behind a proxy set HTTPS_PROXY";
      case TIMED_OUT ->
          "it does not answer: is the port right, does a firewall drop packets, is a proxy needed (HTTPS_PROXY)?";
      case REFUSED ->
          tls
              ? "its certificate is not trusted: give --ca FILE with the authority that signed it, or set the clock if it is wrong"
              : "";
      case BAD_ANSWER -> "something that is no registry answers there, or stands between";
    };
  }
}
