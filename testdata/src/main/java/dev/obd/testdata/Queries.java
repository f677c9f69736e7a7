package dev.obd.testdata;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The query part of a request's target. */
final class Queries {
  private Queries() {}

  /** Decoded values by name; those of a name that comes twice are joined with a space. */
  static Map<String, String> parse(@Nullable String rawQuery) {
    var values = new LinkedHashMap<String, String>();
    if (rawQuery != null && !rawQuery.isEmpty()) {
      for (String pair : rawQuery.split("&", -1)) {
        String[] parts = pair.split("=", 2);
        values.merge(
            parts[0],
            parts.length < 2 ? "" : URLDecoder.decode(parts[1], StandardCharsets.UTF_8),
            (a, b) -> a + " " + b);
      }
    }
    return values;
  }
}
