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
 * @param via where it goes if not to {@code uri}: through somebody, or with a signature
 */
record Call(
    String method, URI uri, Map<String, String> headers, @Nullable Body body, @Nullable URI via) {
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
    return new Call(method, uri, all, body, via);
  }

  Call with(Body replacement) {
    return new Call(method, uri, headers, replacement, via);
  }

  /** Another address, asked directly. */
  Call at(URI replacement) {
    return new Call(method, replacement, headers, body, null);
  }

  /** The same question, sent to another address. */
  Call to(URI address) {
    return new Call(method, uri, headers, body, address);
  }

  /** Sent to a proxy that wants the whole address behind its own. */
  Call through(URI proxy) {
    return to(URI.create(proxy.toString().replaceFirst("/+$", "") + "/" + uri));
  }

  /** Where it goes. */
  URI wire() {
    return via == null ? uri : via;
  }

  boolean isSafe() {
    return method.equals("GET") || method.equals("HEAD");
  }

  /** For messages: no query, where signatures and upload states are. */
  @Override
  public String toString() {
    String range = headers.getOrDefault("Range", "");
    boolean elsewhere = via != null && !Origin.of(via).equals(Origin.of(uri));
    String through = elsewhere ? " through " + Origin.of(wire()) : "";
    return method + " " + place(uri) + (range.isEmpty() ? "" : " " + range) + through;
  }

  /** {@code uri} without its query. */
  static String place(URI uri) {
    String text = uri.toString();
    int query = text.indexOf('?');
    return query < 0 ? text : text.substring(0, query) + "?…";
  }
}
