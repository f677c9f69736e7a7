package dev.obd.testdata;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** An answer before it is sent: a status, header fields and a part of some content. */
final class Reply {
  final int status;
  final Map<String, String> headers = new LinkedHashMap<>();
  Content content = Content.of(new byte[0]);
  long from;
  long length;

  Reply(int status) {
    this.status = status;
  }

  Reply with(String name, String value) {
    headers.put(name, value);
    return this;
  }

  Reply whole(Content body) {
    return part(body, 0, body.size());
  }

  Reply part(Content body, long offset, long count) {
    content = body;
    from = offset;
    length = count;
    return this;
  }

  Reply json(String text) {
    return with("Content-Type", "application/json")
        .whole(Content.of(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** An error in the registry's format. */
  static Reply error(int status, String code, String message) {
    var error = new JsonObject();
    error.addProperty("code", code);
    error.addProperty("message", message);
    var errors = new JsonArray();
    errors.add(error);
    var body = new JsonObject();
    body.add("errors", errors);
    return new Reply(status).json(body.toString());
  }

  static String reason(int status) {
    return switch (status) {
      case 200 -> "OK";
      case 201 -> "Created";
      case 202 -> "Accepted";
      case 204 -> "No Content";
      case 206 -> "Partial Content";
      case 307 -> "Temporary Redirect";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 416 -> "Range Not Satisfiable";
      case 429 -> "Too Many Requests";
      case 500 -> "Internal Server Error";
      case 503 -> "Service Unavailable";
      default -> "Status";
    };
  }
}
