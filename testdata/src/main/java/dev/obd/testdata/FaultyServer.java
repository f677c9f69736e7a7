package dev.obd.testdata;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One origin of a {@link FaultyRegistry}: reads requests from connections, has them answered and
 * sends the answers as the faults and the link have it. Thread-safe.
 */
final class FaultyServer implements AutoCloseable {
  /** Answers a request without faults. */
  @FunctionalInterface
  interface Service {
    Reply answer(Call call, InputStream body) throws IOException;
  }

  private final String origin;
  private final Service service;
  private final FaultRules rules;
  private final Recorder recorder;
  private final Connections connections;
  private volatile Link link;
  private volatile boolean down;

  FaultyServer(
      String origin,
      int port,
      Profile profile,
      Service service,
      FaultRules rules,
      Recorder recorder)
      throws IOException {
    this.origin = origin;
    this.service = service;
    this.rules = rules;
    this.recorder = recorder;
    this.link = Link.of(profile);
    this.connections = new Connections(port, this::serve);
  }

  String host() {
    return "127.0.0.1:" + connections.port();
  }

  long accepted() {
    return connections.accepted();
  }

  void profile(Profile profile) {
    link = Link.of(profile);
  }

  void down(boolean isDown) {
    down = isDown;
    if (isDown) {
      connections.drop();
    }
  }

  void drop() {
    connections.drop();
  }

  private void serve(Socket connection) throws IOException {
    Profile profile = link.profile();
    TokenBucket.sleepUntil(System.nanoTime() + profile.connectLatency().toNanos());
    TokenBucket own = TokenBucket.of(profile.bytesPerSecondPerConnection());
    var in = new HttpInput(connection.getInputStream());
    boolean more = true;
    while (more) {
      if (down) {
        Connections.reset(connection);
        return;
      }
      String start = in.startLine();
      if (start == null) {
        return;
      }
      more = exchange(entry(start, in.headers()), in, connection, own);
    }
  }

  private Recorder.Entry entry(String start, Map<String, String> headers) throws IOException {
    String[] request = start.split(" ", 3);
    URI uri;
    try {
      uri = URI.create(request.length < 3 ? " " : request[1]);
    } catch (IllegalArgumentException e) {
      throw new IOException("not a request line: " + start, e);
    }
    String path = uri.getPath();
    return recorder.begin(
        path.equals("/token") ? "token" : origin,
        request[0],
        request[1],
        path,
        Queries.parse(uri.getRawQuery()),
        headers);
  }

  private boolean exchange(
      Recorder.Entry entry, HttpInput in, Socket connection, @Nullable TokenBucket own)
      throws IOException {
    Call call = entry.call();
    Link current = link;
    Fault fault = rules.pick(call, current.profile());
    var delivery = new Delivery(connection, in, fault, current.down(), own);
    int status = 0;
    try {
      if (fault instanceof Fault.Delay delay) {
        TokenBucket.sleepUntil(entry.arrived() + delay.by().toNanos());
      }
      if (isNoHttp(fault, connection)) {
        return false;
      }
      if (call.headers().containsKey("expect")) {
        connection.getOutputStream().write(ascii("HTTP/1.1 100 Continue\r\n\r\n"));
      }
      InputStream body = current.paced(in.body(call.headers()));
      Reply reply = reply(call, body, fault);
      body.transferTo(OutputStream.nullOutputStream());
      TokenBucket.sleepUntil(entry.arrived() + current.profile().latency().toNanos());
      status = reply.status;
      // Logged before the client can know the end, so that a test finds all it caused in the log.
      boolean more =
          delivery.send(
              reply,
              call.method().equals("HEAD"),
              () -> entry.write(reply.status, delivery.sent()));
      return more && !"close".equalsIgnoreCase(call.headers().get("connection"));
    } finally {
      entry.write(status, delivery.sent());
    }
  }

  /** Carries out faults that end a connection without an answer; true if it was one. */
  private static boolean isNoHttp(@Nullable Fault fault, Socket connection) throws IOException {
    OutputStream out = connection.getOutputStream();
    switch (fault) {
      case Fault.Dropped dropped -> {
        return true;
      }
      case Fault.Garbage garbage -> {
        out.write(garbage.raw());
        return true;
      }
      case Fault.EndlessHead endless -> {
        out.write(ascii("HTTP/1.1 200 OK\r\n"));
        for (long i = 0; ; i++) { // until the client has had enough and closes
          out.write(ascii("X-Field-" + i + ": " + "x".repeat(1000) + "\r\n"));
        }
      }
      case null, default -> {
        return false;
      }
    }
  }

  private Reply reply(Call call, InputStream body, @Nullable Fault fault) throws IOException {
    if (fault instanceof Fault.Status status) {
      Reply reply = Reply.error(status.code(), "FAULT", "as the test ordered");
      status.headers().forEach(reply::with);
      return reply;
    }
    Call seen = Distortion.of(call, fault);
    return Distortion.of(service.answer(seen, body), fault);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    connections.close();
  }
}
