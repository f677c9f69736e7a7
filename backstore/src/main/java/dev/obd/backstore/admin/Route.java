package dev.obd.backstore.admin;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One thing that can be asked.
 *
 * @param method of HTTP, or {@code *} for any
 * @param template a path; a segment {@code {name}} stands for any text without a slash
 */
public record Route(String method, String template, Handler handler) {
  /** What {@code path} says for the variables; empty if it is another path. */
  Optional<Map<String, String>> match(String path) {
    String[] wanted = template.split("/", -1);
    String[] given = path.split("/", -1);
    if (wanted.length != given.length) {
      return Optional.empty();
    }
    var variables = new LinkedHashMap<String, String>();
    for (int i = 0; i < wanted.length; i++) {
      if (wanted[i].startsWith("{") && !given[i].isEmpty()) {
        variables.put(wanted[i].substring(1, wanted[i].length() - 1), Query.decode(given[i]));
      } else if (!wanted[i].equals(given[i])) {
        return Optional.empty();
      }
    }
    return Optional.of(variables);
  }

  boolean takes(String givenMethod) {
    return method.equals("*") || method.equals(givenMethod);
  }
}
