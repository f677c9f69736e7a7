package dev.obd.testdata;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One request as a server saw it. Immutable.
 *
 * @param nanos {@link System#nanoTime} when the head of the request had arrived
 * @param doneNanos {@link System#nanoTime} when the last byte had been handed to the socket, or the
 *     answer had been given up
 * @param origin which of the server's origins was asked: {@code registry}, {@code cdn}, {@code
 *     token}
 * @param method GET, HEAD, ...
 * @param path path and query as sent
 * @param headers by lower-case name; a name that came twice holds both values, comma-separated
 * @param status the status sent, or 0 if the server sent no status line
 * @param bytesSent bytes of the body that were handed to the socket
 */
public record LoggedRequest(
    long nanos,
    long doneNanos,
    String origin,
    String method,
    String path,
    Map<String, String> headers,
    int status,
    long bytesSent) {

  public LoggedRequest {
    headers = Map.copyOf(headers);
  }

  /** The Range header, or null. */
  public @Nullable String range() {
    return headers.get("range");
  }

  /** True for a GET of a blob's bytes. */
  public boolean isBlobRead() {
    return method.equals("GET") && path.contains("/blobs/sha256:");
  }

  @Override
  public String toString() {
    String range = range();
    return "%s %s %s%s -> %d, %d bytes"
        .formatted(
            origin, method, path, range == null ? "" : " [" + range + "]", status, bytesSent);
  }
}
