package dev.obd.testdata;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request as a fault's predicate sees it. Immutable.
 *
 * @param origin {@code registry}, {@code cdn} (the second origin, where redirects lead) or {@code
 *     token}
 * @param path the path without its query
 * @param query decoded; a name that came twice holds both values, separated by a space
 * @param headers by lower-case name
 * @param attempt how many requests with the same origin, method, path and range came before
 * @param number how many requests came before at all
 */
public record Call(
    String origin,
    String method,
    String path,
    Map<String, String> query,
    Map<String, String> headers,
    int attempt,
    long number) {

  public Call {
    query = Map.copyOf(query);
    headers = Map.copyOf(headers);
  }

  /** The Range header, or null. */
  public @Nullable String range() {
    return headers.get("range");
  }

  /** A GET of a blob's bytes, at whichever origin they come from. */
  public boolean isBlobRead() {
    return method.equals("GET") && path.contains("/blobs/sha256:");
  }

  /** A GET of a blob's bytes that this server will send itself, not redirect. */
  public boolean isBlobReadAt(String wantedOrigin) {
    return isBlobRead() && origin.equals(wantedOrigin);
  }

  /** A GET or HEAD of a manifest. */
  public boolean isManifestRead() {
    return (method.equals("GET") || method.equals("HEAD")) && path.contains("/manifests/");
  }

  /** Any part of pushing a blob. */
  public boolean isUpload() {
    return path.contains("/blobs/uploads/");
  }

  /** A request to the token service. */
  public boolean isToken() {
    return origin.equals("token");
  }
}
