package dev.obd.backstore.admin;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What is answered.
 *
 * @param status of HTTP
 * @param body from its position to its limit; not changed any more
 */
public record Answer(int status, String contentType, ByteBuffer body) {
  /** What Prometheus reads. */
  public static final String PROMETHEUS = "text/plain; version=0.0.4";

  private static final String JSON = "application/json";

  /** 200 with a document. */
  public static Answer json(Object document) {
    return json(200, document);
  }

  /** A status with a document. */
  public static Answer json(int status, Object document) {
    return text(status, JSON, JsonText.of(document) + "\n");
  }

  /** A status with text. */
  public static Answer text(int status, String contentType, String text) {
    return new Answer(status, contentType, StandardCharsets.UTF_8.encode(text));
  }

  /** The document of every failure. */
  static Answer failure(int status, String error, String message, String hint) {
    return json(status, new Failure(error, message, hint));
  }

  private record Failure(String error, String message, String hint) {}
}
