package dev.obd.testdata;

import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Writes one reply to a connection, in the way that a fault says. Used once, by one thread. */
final class Delivery {
  private enum Framing {
    LENGTH,
    CHUNKED,
    UNTIL_CLOSE,
    HTTP_1_0
  }

  private final Socket connection;
  private final HttpInput in;
  private final OutputStream out;
  private final List<TokenBucket> links;

  private final @Nullable Fault fault;
  private Framing framing = Framing.LENGTH;
  private long stopAfter = Long.MAX_VALUE;
  private long sent;

  /**
   * @param links what every byte of the body has to pass; null elements are no limit
   */
  Delivery(Socket connection, HttpInput in, @Nullable Fault fault, @Nullable TokenBucket... links)
      throws IOException {
    this.connection = connection;
    this.in = in;
    this.out = connection.getOutputStream();
    this.fault = fault;
    TokenBucket own = fault instanceof Fault.Trickled t ? TokenBucket.of(t.bytesPerSecond()) : null;
    this.links =
        Stream.concat(Arrays.stream(links), Stream.ofNullable(own))
            .filter(Objects::nonNull)
            .map(Objects::requireNonNull)
            .toList();
    switch (fault) {
      case Fault.Truncated f -> stopAfter = f.after();
      case Fault.Reset f -> stopAfter = f.after();
      case Fault.Stalled f -> stopAfter = f.after();
      case Fault.Chunked f -> framing = Framing.CHUNKED;
      case Fault.NoLength f -> framing = Framing.UNTIL_CLOSE;
      case Fault.Http10 f -> framing = Framing.HTTP_1_0;
      case null, default -> {}
    }
  }

  /** Bytes of the body that were handed to the socket. */
  long sent() {
    return sent;
  }

  /**
   * Sends the reply.
   *
   * @param beforeLast run before the write that lets the client see the end of the answer
   * @return true if the connection is good for another one
   */
  boolean send(Reply reply, boolean headOnly, Runnable beforeLast) throws IOException {
    long length = headOnly || reply.status == 204 ? 0 : reply.length;
    if (length == 0) {
      beforeLast.run();
    }
    head(reply);
    var slice = new byte[links.stream().mapToInt(TokenBucket::slice).min().orElse(64 << 10)];
    while (sent < length && sent < stopAfter) {
      int n = (int) Math.min(slice.length, Math.min(length, stopAfter) - sent);
      reply.content.read(reply.from + sent, slice, n);
      spoil(slice, n);
      sent += n;
      pay(n);
      if (sent == length) {
        beforeLast.run();
      }
      chunk(slice, n);
    }
    if (sent >= stopAfter) {
      if (fault instanceof Fault.Reset) {
        beforeLast.run();
      }
      stop();
      return false;
    }
    if (framing == Framing.CHUNKED && !headOnly) {
      out.write(ascii("0\r\n\r\n"));
    }
    if (fault instanceof Fault.TooLong f && !headOnly) {
      out.write(new byte[f.by()]);
      return false;
    }
    return framing == Framing.LENGTH || framing == Framing.CHUNKED;
  }

  private void head(Reply reply) throws IOException {
    String version = framing == Framing.HTTP_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
    var head = new StringBuilder(version);
    head.append(reply.status).append(' ').append(Reply.reason(reply.status)).append("\r\n");
    for (Map.Entry<String, String> field : reply.headers.entrySet()) {
      head.append(field.getKey()).append(": ").append(field.getValue()).append("\r\n");
    }
    switch (framing) {
      case LENGTH -> {
        if (reply.status != 204) {
          head.append("Content-Length: ").append(reply.length).append("\r\n");
        }
      }
      case CHUNKED -> head.append("Transfer-Encoding: chunked\r\n");
      case UNTIL_CLOSE -> head.append("Connection: close\r\n");
      case HTTP_1_0 -> {}
    }
    head.append("\r\n");
    out.write(
        ascii(
            fault instanceof Fault.LowerCaseHead ? lowerNames(head.toString()) : head.toString()));
  }

  private static String lowerNames(String head) {
    return Pattern.compile("(?m)^[A-Za-z0-9-]+:")
        .matcher(head)
        .replaceAll(name -> name.group().toLowerCase(Locale.ROOT));
  }

  private void spoil(byte[] slice, int n) {
    if (fault instanceof Fault.WrongBytes wrong) {
      for (int i = 0; i < n; i++) {
        if (wrong.hits(sent + i)) {
          slice[i] ^= 0x5A;
        }
      }
    }
  }

  private void pay(int n) {
    for (TokenBucket link : links) {
      TokenBucket.take(link, n);
    }
  }

  private void chunk(byte[] slice, int n) throws IOException {
    if (framing == Framing.CHUNKED) {
      out.write(ascii(Integer.toHexString(n) + "\r\n"));
    }
    out.write(slice, 0, n);
    if (framing == Framing.CHUNKED) {
      out.write(ascii("\r\n"));
    }
  }

  private void stop() throws IOException {
    switch (fault) {
      case Fault.Reset f -> Connections.reset(connection);
      case Fault.Stalled f -> in.rest().transferTo(OutputStream.nullOutputStream());
      case null, default -> {}
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
