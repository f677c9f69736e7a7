package dev.obd.cli.control;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.URLEncoder;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Asks the daemon: one HTTP request per call, over its unix socket. {@link #close} on another
 * thread ends a call that waits, and the daemon undoes what nobody waits for any more.
 *
 * <p>The JDK's own channel, because it is there at once: loading jnr for a socket would double the
 * time of {@code obd ps}.
 */
public final class DaemonClient implements Closeable {
  private static final int MAX_HEADER = 64 << 10;
  private static final int MAX_BODY = 256 << 20;

  private final Path socket;
  private @Nullable SocketChannel channel; // guarded by this, as is closed
  private boolean closed;

  /** A client of the daemon on {@code socket}; connects when it asks. */
  public DaemonClient(Path socket) {
    this.socket = socket;
  }

  /** Where the daemon is, or would be. */
  public Path socket() {
    return socket;
  }

  /** A path of the API: text and, at every second place, what has to be escaped. */
  public static String path(String... parts) {
    var path = new StringBuilder();
    for (int i = 0; i < parts.length; i++) {
      path.append(
          i % 2 == 0
              ? parts[i]
              : URLEncoder.encode(parts[i], StandardCharsets.UTF_8).replace("+", "%20"));
    }
    return path.toString();
  }

  /** What is at {@code path}. */
  public JsonObject get(String path) throws IOException {
    return json(ask("GET", path, null));
  }

  /** Asks for something to be done. */
  public JsonObject send(String method, String path, @Nullable Object document) throws IOException {
    return json(ask(method, path, document == null ? null : new Gson().toJson(document)));
  }

  /** As {@link #get}, for what is text. */
  public String text(String path) throws IOException {
    return new String(ask("GET", path, null), StandardCharsets.UTF_8);
  }

  private JsonObject json(byte[] body) throws IOException {
    try {
      JsonElement element = JsonParser.parseString(new String(body, StandardCharsets.UTF_8));
      if (element.isJsonObject()) {
        return element.getAsJsonObject();
      }
    } catch (JsonParseException e) {
      // told below
    }
    throw new IOException(socket + ": the answer is not a JSON object: is this obd's daemon?");
  }

  private byte[] ask(String method, String path, @Nullable String body) throws IOException {
    try (SocketChannel to = connect()) {
      byte[] bytes = body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
      String head =
          method
              + " "
              + path
              + " HTTP/1.1\r\nHost: obd\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: "
              + bytes.length
              + "\r\n\r\n";
      ByteBuffer request =
          ByteBuffer.allocate(head.length() + bytes.length)
              .put(head.getBytes(StandardCharsets.US_ASCII))
              .put(bytes)
              .flip();
      while (request.hasRemaining()) {
        to.write(request);
      }
      return answer(Channels.newInputStream(to));
    }
  }

  private SocketChannel connect() throws IOException {
    SocketChannel opened = SocketChannel.open(StandardProtocolFamily.UNIX);
    boolean connected = false;
    try {
      synchronized (this) {
        if (closed) {
          throw new IOException("given up");
        }
        channel = opened;
      }
      opened.connect(UnixDomainSocketAddress.of(socket));
      connected = true;
      return opened;
    } catch (IOException e) {
      if (Files.exists(socket) && !Files.isWritable(socket)) {
        throw new AccessDeniedException(socket.toString());
      }
      throw new NoDaemonException(socket, e);
    } finally {
      if (!connected) {
        opened.close();
      }
    }
  }

  private byte[] answer(InputStream in) throws IOException {
    String head = head(in);
    int status;
    try {
      status = Integer.parseInt(head.substring(9, 12));
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      throw new IOException(socket + ": not an HTTP answer: is this obd's daemon?");
    }
    byte[] body = in.readNBytes(MAX_BODY);
    if (status >= 300) {
      throw failure(status, body);
    }
    return body;
  }

  private String head(InputStream in) throws IOException {
    var head = new ByteArrayOutputStream();
    int newlines = 0;
    while (newlines < 2) {
      int next = in.read();
      if (next < 0) {
        throw new EOFException(socket + ": the daemon went away without an answer");
      }
      if (head.size() >= MAX_HEADER) {
        throw new IOException(socket + ": an answer without an end");
      }
      head.write(next);
      newlines = next == '\n' ? newlines + 1 : next == '\r' ? newlines : 0;
    }
    return head.toString(StandardCharsets.US_ASCII);
  }

  private DaemonException failure(int status, byte[] body) throws IOException {
    JsonObject document = json(body);
    String hint = text(document, "hint");
    return new DaemonException(
        status,
        text(document, "error"),
        text(document, "message") + (hint.isEmpty() ? "" : " (" + hint + ")"));
  }

  private static String text(JsonObject document, String field) {
    JsonElement value = document.get(field);
    return value == null || !value.isJsonPrimitive() ? "" : value.getAsString();
  }

  /** Ends a call under way, if there is one, and refuses more. */
  @Override
  public synchronized void close() throws IOException {
    closed = true;
    if (channel != null) {
      channel.close();
    }
  }
}
