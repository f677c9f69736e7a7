package dev.obd.registry.http;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One request to be sent.
 *
 * @param uri what is asked for
 * @param prefix sent to this address, with the whole of {@code uri} behind it; null: to {@code uri}
 */
record Call(
    String method,
    URI uri,
    Map<String, String> headers,
    @Nullable Body body,
    @Nullable URI prefix) {
  /** What a request carries; written again for every attempt. */
  interface Body {
    String contentType();

    /** Bytes. */
    long length();

    /**
     * Writes exactly {@link #length} bytes.
     *
     * @throws ContentException if the bytes cannot be had; everything else is the network's
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /** The content to send is the problem, not the connection. */
  static final class ContentException extends IOException {
    private static final long serialVersionUID = 1;

    ContentException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  static Call get(URI uri) {
    return new Call("GET", uri, Map.of(), null, null);
  }

  static Call of(String method, URI uri) {
    return new Call(method, uri, Map.of(), null, null);
  }

  Call with(String header, String value) {
    var all = new LinkedHashMap<>(headers);
    all.put(header, value);
    return new Call(method, uri, all, body, prefix);
  }

  Call with(Body replacement) {
    return new Call(method, uri, headers, replacement, prefix);
  }

  /** Another address, asked directly. */
  Call at(URI replacement) {
    return new Call(method, replacement, headers, body, null);
  }

  Call through(URI address) {
    return new Call(method, uri, headers, body, address);
  }

  /** Where it goes. */
  URI wire() {
    return prefix == null ? uri : URI.create(prefix.toString().replaceFirst("/+$", "") + "/" + uri);
  }

  boolean isSafe() {
    return method.equals("GET") || method.equals("HEAD");
  }

  /** For messages: no query, where signatures and upload states are. */
  @Override
  public String toString() {
    String range = headers.getOrDefault("Range", "");
    String through = prefix == null ? "" : " through " + prefix;
    return method + " " + place(uri) + (range.isEmpty() ? "" : " " + range) + through;
  }

  /** {@code uri} without its query. */
  static String place(URI uri) {
    String text = uri.toString();
    int query = text.indexOf('?');
    return query < 0 ? text : text.substring(0, query) + "?…";
  }
}
