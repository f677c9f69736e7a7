package dev.obd.testdata;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Stands before a real server, writes down what passes and can make the way to it slow. The
 * server's own log knows no ranges; this one does. The Host header passes unchanged, so that URLs
 * the server makes point back here.
 */
final class RecordingProxy implements AutoCloseable {
  private final Connections connections;
  private final Profile link;
  private final @Nullable TokenBucket down;
  private final List<LoggedRequest> log = Collections.synchronizedList(new ArrayList<>());
  private volatile int upstreamPort;

  RecordingProxy(Profile link) throws IOException {
    this.link = link;
    this.down = TokenBucket.of(link.bytesPerSecond());
    this.connections = new Connections(0, this::serve);
  }

  int port() {
    return connections.port();
  }

  /** Where requests go from now on; 0: nowhere, connections are closed at once. */
  void upstream(int port) {
    upstreamPort = port;
    if (port == 0) {
      connections.drop();
    }
  }

  long accepted() {
    return connections.accepted();
  }

  List<LoggedRequest> log() {
    synchronized (log) {
      return List.copyOf(log);
    }
  }

  void clearLog() {
    log.clear();
  }

  private void serve(Socket client) throws IOException {
    if (upstreamPort == 0) {
      Connections.reset(client);
      return;
    }
    TokenBucket.sleepUntil(System.nanoTime() + link.connectLatency().toNanos());
    try (var server = new Socket(InetAddress.getLoopbackAddress(), upstreamPort)) {
      server.setTcpNoDelay(true);
      var fromClient = new HttpInput(client.getInputStream());
      var fromServer = new HttpInput(server.getInputStream());
      boolean more = true;
      while (more) {
        String start = fromClient.startLine();
        more = start != null && exchange(start, fromClient, client, fromServer, server);
      }
    }
  }

  private boolean exchange(
      String start, HttpInput fromClient, Socket client, HttpInput fromServer, Socket server)
      throws IOException {
    long arrived = System.nanoTime();
    Map<String, String> headers = fromClient.headers();
    OutputStream toServer = server.getOutputStream();
    OutputStream toClient = client.getOutputStream();
    if (headers.remove("expect") != null) { // answered here: the server gets the body anyway
      toClient.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }
    writeHead(toServer, start, headers);
    copyBody(fromClient.body(headers), headers, toServer, null);
    TokenBucket.sleepUntil(arrived + link.latency().toNanos());

    String status = fromServer.startLine();
    if (status == null) {
      return false;
    }
    Map<String, String> reply = fromServer.headers();
    String[] request = start.split(" ", 3);
    String[] answer = status.split(" ", 3);
    int code = Integer.parseInt(answer[1]);
    boolean noBody = request[0].equals("HEAD") || code < 200 || code == 204 || code == 304;
    boolean untilClose =
        !noBody && !reply.containsKey("content-length") && !reply.containsKey("transfer-encoding");
    var entry = new Entry(arrived, request[0], request[1], headers, code);
    try {
      if (noBody || "0".equals(reply.get("content-length"))) { // the head is the end
        entry.write();
      }
      writeHead(toClient, status, reply);
      if (!noBody) {
        InputStream body = untilClose ? fromServer.rest() : fromServer.body(reply);
        copyBody(body, reply, toClient, entry);
      }
    } finally {
      entry.write();
    }
    return !untilClose && !"close".equalsIgnoreCase(reply.get("connection"));
  }

  private static void writeHead(OutputStream out, String start, Map<String, String> headers)
      throws IOException {
    var head = new StringBuilder(start).append("\r\n");
    headers.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  /**
   * Copies a body in the framing that {@code headers} announce. An answer's entry is written before
   * the client can know the end, so that a test finds all it caused in the log.
   */
  private void copyBody(
      InputStream body, Map<String, String> headers, OutputStream out, @Nullable Entry entry)
      throws IOException {
    boolean chunked = headers.containsKey("transfer-encoding");
    long length = Long.parseLong(headers.getOrDefault("content-length", "-1"));
    var buffer = new byte[TokenBucket.slice(down)];
    long total = 0;
    for (int n; (n = body.read(buffer)) > 0; ) {
      total += n;
      if (entry != null) {
        entry.sent = total;
        TokenBucket.take(down, n);
        if (total == length) {
          entry.write();
        }
      }
      if (chunked) {
        out.write((Integer.toHexString(n) + "\r\n").getBytes(StandardCharsets.US_ASCII));
      }
      out.write(buffer, 0, n);
      if (chunked) {
        out.write(new byte[] {'\r', '\n'});
      }
    }
    if (chunked) {
      if (entry != null) {
        entry.write();
      }
      out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }
    out.flush();
  }

  /** One line of the log to be; used by one thread. */
  private final class Entry {
    private final long arrived;
    private final String method;
    private final String path;
    private final Map<String, String> headers;
    private final int status;
    private boolean written;
    private long sent;

    Entry(long arrived, String method, String path, Map<String, String> headers, int status) {
      this.arrived = arrived;
      this.method = method;
      this.path = path;
      this.headers = headers;
      this.status = status;
    }

    void write() {
      if (!written) {
        written = true;
        long now = System.nanoTime();
        log.add(new LoggedRequest(arrived, now, "registry", method, path, headers, status, sent));
      }
    }
  }

  @Override
  public void close() throws IOException {
    connections.close();
  }
}
