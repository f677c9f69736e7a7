package dev.obd.registry.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A proxy of both kinds: HTTP's own (absolute addresses and CONNECT), and by prefix ({@code GET
 * /prefix/http://…}). Whatever the host's name, it connects to this machine. One exchange per
 * connection.
 */
final class ForwardProxy implements AutoCloseable {
  private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final List<String> heads = new CopyOnWriteArrayList<>();
  private volatile String refusal = "";

  ForwardProxy() throws IOException {
    Thread.ofPlatform().daemon().start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** The heads of all requests so far. */
  List<String> heads() {
    return heads;
  }

  /** Answers this status line and header lines instead of passing requests on; "": passes on. */
  void refuse(String answer) {
    refusal = answer;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        Thread.ofPlatform().daemon().start(() -> serve(client));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket client) {
    try (client) {
      String head = head(client.getInputStream());
      heads.add(head);
      String[] start = head.split(" ", 3);
      if (!refusal.isEmpty() && !head.contains("Proxy-Authorization: Basic dTpw")) {
        client
            .getOutputStream()
            .write(
                (refusal + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
        return;
      }
      if (start[0].equals("CONNECT")) {
        tunnel(client, Integer.parseInt(start[1].substring(start[1].lastIndexOf(':') + 1)));
      } else {
        URI target = URI.create(start[1].substring(start[1].indexOf("http://")));
        pass(client, head.substring(head.indexOf("\r\n")), start[0], target);
      }
    } catch (IOException e) {
      // One of the two went away.
    }
  }

  private static void pass(Socket client, String fields, String method, URI target)
      throws IOException {
    try (var server = new Socket(InetAddress.getLoopbackAddress(), target.getPort())) {
      String kept =
          fields
              .lines()
              .filter(l -> !l.toLowerCase(Locale.ROOT).matches("(proxy-.*|connection:.*|host:.*|)"))
              .reduce("", (a, b) -> a + b + "\r\n");
      String query = target.getRawQuery() == null ? "" : "?" + target.getRawQuery();
      String request =
          "%s %s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n"
              .formatted(method, target.getRawPath(), query, target.getRawAuthority(), kept);
      server.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      server.getInputStream().transferTo(client.getOutputStream());
    }
  }

  private static void tunnel(Socket client, int port) throws IOException {
    try (var server = new Socket(InetAddress.getLoopbackAddress(), port)) {
      client
          .getOutputStream()
          .write("HTTP/1.1 200 Connected\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      Thread.ofPlatform().daemon().start(() -> pump(client, server));
      server.getInputStream().transferTo(client.getOutputStream());
    }
  }

  private static void pump(Socket from, Socket to) {
    try {
      OutputStream out = to.getOutputStream();
      from.getInputStream().transferTo(out);
    } catch (IOException e) {
      // The other direction sees it too.
    }
  }

  private static String head(InputStream in) throws IOException {
    var text = new StringBuilder();
    while (text.length() < 4 || !text.substring(text.length() - 4).equals("\r\n\r\n")) {
      int c = in.read();
      if (c < 0) {
        throw new IOException("no request");
      }
      text.append((char) c);
    }
    return text.toString();
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
