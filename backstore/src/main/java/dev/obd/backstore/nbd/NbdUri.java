package dev.obd.backstore.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code nbd+unix:///EXPORT?socket=PATH} or {@code nbd://HOST[:PORT]/EXPORT}, as other NBD tools
 * understand them.
 *
 * @param address where to listen or to connect; a unix or an Internet address
 * @param export may be empty: the server's default
 */
public record NbdUri(SocketAddress address, String export) {
  static final String UNIX = "nbd+unix";
  static final String TCP = "nbd";

  static NbdUri ofUnix(Path socket, String export) {
    return new NbdUri(UnixDomainSocketAddress.of(socket), export);
  }

  static NbdUri ofTcp(InetSocketAddress address, String export) {
    return new NbdUri(address, export);
  }

  /**
   * Understands both forms.
   *
   * @throws IllegalArgumentException if {@code uri} is neither of the two forms
   */
  public static NbdUri parse(URI uri) {
    String path = uri.getPath();
    String export = path == null || path.isEmpty() ? "" : path.substring(1);
    if (UNIX.equals(uri.getScheme())) {
      String socket = parameter(uri, "socket");
      if (socket == null || socket.isEmpty()) {
        throw new IllegalArgumentException(uri + ": expected ?socket=PATH");
      }
      return ofUnix(Path.of(socket), export);
    }
    if (TCP.equals(uri.getScheme())) {
      String host = uri.getHost();
      if (host == null) {
        throw new IllegalArgumentException(uri + ": expected nbd://HOST[:PORT]/EXPORT");
      }
      int port = uri.getPort() < 0 ? Protocol.DEFAULT_PORT : uri.getPort();
      return ofTcp(new InetSocketAddress(unbracketed(host), port), export);
    }
    throw new IllegalArgumentException(uri + ": expected nbd+unix: or nbd:");
  }

  /** What is wrong with {@code uri}, if anything. */
  static Optional<String> problem(URI uri) {
    try {
      parse(uri);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.ofNullable(e.getMessage());
    }
  }

  /**
   * True with {@code threads=platform}: requests do not run on virtual threads. For clients that
   * are the kernel, which may keep all carriers of this process waiting for an answer.
   */
  static boolean asksForPlatformThreads(URI uri) {
    return "platform".equals(parameter(uri, "threads"));
  }

  private static @Nullable String parameter(URI uri, String name) {
    String query = uri.getRawQuery();
    if (query == null) {
      return null;
    }
    for (String pair : query.split("&", -1)) {
      if (pair.startsWith(name + "=")) {
        // In a URI a plus is a plus; only forms make it a space.
        String value = pair.substring(name.length() + 1).replace("+", "%2B");
        return URLDecoder.decode(value, UTF_8);
      }
    }
    return null;
  }

  private static String unbracketed(String host) {
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  @Override
  public String toString() {
    return switch (address) {
      case UnixDomainSocketAddress unix ->
          UNIX + ":///" + encoded(export) + "?socket=" + encoded(unix.getPath().toString());
      case InetSocketAddress tcp -> {
        String host = tcp.getHostString();
        yield TCP
            + "://"
            + (host.contains(":") ? "[" + host + "]" : host)
            + (tcp.getPort() == Protocol.DEFAULT_PORT ? "" : ":" + tcp.getPort())
            + "/"
            + encoded(export);
      }
      default -> throw new IllegalStateException("address: " + address);
    };
  }

  private static String encoded(String text) {
    var out = new StringBuilder();
    for (byte b : text.getBytes(UTF_8)) {
      char c = (char) (b & 0xff);
      if (c < 0x80 && (Character.isLetterOrDigit(c) || "/-._~".indexOf(c) >= 0)) {
        out.append(c);
      } else {
        out.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
      }
    }
    return out.toString();
  }
}
