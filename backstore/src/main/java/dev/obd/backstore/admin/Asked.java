package dev.obd.backstore.admin;

import java.util.Map;
import java.util.Optional;

/**
 * A request that has arrived as a whole.
 *
 * @param variables what the path says where its {@link Route} has {@code {name}}
 * @param query the parameters behind the question mark; of one given twice, the first
 * @param body at most as long as the server allows
 * @param client who asked
 */
public record Asked(
    String method,
    String path,
    Map<String, String> variables,
    Map<String, String> query,
    String body,
    Client client) {
  /** What the path says for {@code {name}}. */
  public String variable(String name) {
    String value = variables.get(name);
    if (value == null) {
      throw new IllegalStateException("the route has no {" + name + "}");
    }
    return value;
  }

  /** A parameter; empty if it is not given, or given without a value. */
  public Optional<String> parameter(String name) {
    return Optional.ofNullable(query.get(name)).filter(value -> !value.isEmpty());
  }

  /** A parameter that is a switch: {@code ?force}, {@code ?force=true}. */
  public boolean isSet(String name) throws AdminException {
    String value = query.get(name);
    return switch (value) {
      case null -> false;
      case "", "1", "true" -> true;
      case "0", "false" -> false;
      default ->
          throw new AdminException(
              400, "bad-parameter", name + ": expected true or false, got '" + value + "'");
    };
  }
}
