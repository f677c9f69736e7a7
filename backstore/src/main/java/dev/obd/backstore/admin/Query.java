package dev.obd.backstore.admin;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** The parameters behind the question mark. */
final class Query {
  private static final int MAX = 64;

  private Query() {}

  /**
   * The parameters of a request's target.
   *
   * @throws IllegalArgumentException if an escape is broken
   */
  static Map<String, String> of(String target) {
    var parameters = new LinkedHashMap<String, String>();
    int mark = target.indexOf('?');
    if (mark < 0) {
      return parameters;
    }
    for (String pair : target.substring(mark + 1).split("&", MAX)) {
      int equals = pair.indexOf('=');
      String name = equals < 0 ? pair : pair.substring(0, equals);
      if (!name.isEmpty()) {
        parameters.putIfAbsent(
            URLDecoder.decode(name, StandardCharsets.UTF_8),
            equals < 0
                ? ""
                : URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
      }
    }
    return parameters;
  }

  /** One segment of a path, in which a plus is a plus. */
  static String decode(String segment) {
    return URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}
