package dev.obd.testdata;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Lets a request in or challenges it; gives out the tokens. Thread-safe. */
final class Gate {
  private record Grant(List<String> scopes, long untilNanos) {}

  private final Auth auth;
  private final Map<String, Grant> grants = new ConcurrentHashMap<>();

  Gate(Auth auth) {
    this.auth = auth;
  }

  /** The refusal, or null if the request may pass. */
  @Nullable Reply refuse(Call call, String host) {
    String given = call.headers().getOrDefault("authorization", "");
    return switch (auth) {
      case Auth.Open open -> null;
      case Auth.Basic basic when given.equals(basic(basic.user(), basic.password())) -> null;
      case Auth.Basic basic -> unauthorized().with("WWW-Authenticate", "Basic realm=\"obd\"");
      case Auth.Bearer bearer -> {
        String needed = scope(call);
        Grant grant =
            given.startsWith("Bearer ") ? grants.get(given.substring("Bearer ".length())) : null;
        boolean alive = grant != null && System.nanoTime() - grant.untilNanos < 0;
        if (alive && grant != null && (needed.isEmpty() || covers(grant.scopes, needed))) {
          yield null;
        }
        String error = grant == null ? "" : alive ? "insufficient_scope" : "invalid_token";
        yield unauthorized()
            .with("WWW-Authenticate", challenge(bearer.dialect(), host, needed, error));
      }
    };
  }

  /** Forgets all tokens: what was given out is refused from now on. */
  void revoke() {
    grants.clear();
  }

  /** The token service. */
  Reply token(Call call) {
    if (!(auth instanceof Auth.Bearer bearer)) {
      return Reply.error(404, "NOT_FOUND", "no token service");
    }
    String given = call.headers().get("authorization");
    boolean known = basic(bearer.user(), bearer.password()).equals(given);
    if (given != null ? !known : !bearer.anonymousPull()) {
      return unauthorized().with("WWW-Authenticate", "Basic realm=\"token\"");
    }
    var scopes = new ArrayList<String>();
    for (String scope : call.query().getOrDefault("scope", "").split(" ", -1)) {
      int actions = scope.lastIndexOf(':') + 1;
      for (String action : scope.substring(actions).split(",", -1)) {
        if (known || action.equals("pull")) {
          scopes.add(scope.substring(0, actions) + action);
        }
      }
    }
    String token = UUID.randomUUID().toString();
    Duration lifetime = bearer.lifetime();
    grants.put(token, new Grant(List.copyOf(scopes), System.nanoTime() + lifetime.toNanos()));
    var reply = new JsonObject();
    reply.addProperty(
        bearer.dialect() == Auth.Dialect.ACCESS_TOKEN ? "access_token" : "token", token);
    if (bearer.dialect() != Auth.Dialect.NO_EXPIRY) {
      reply.addProperty("expires_in", lifetime.toSeconds());
    }
    return new Reply(200).json(reply.toString());
  }

  private static boolean covers(List<String> scopes, String needed) {
    int actions = needed.lastIndexOf(':') + 1;
    for (String action : needed.substring(actions).split(",", -1)) {
      if (!scopes.contains(needed.substring(0, actions) + action)) {
        return false;
      }
    }
    return true;
  }

  /** What a request needs; empty for {@code /v2/}. */
  private static String scope(Call call) {
    String repository = Distribution.repository(call.path());
    if (repository == null) {
      return "";
    }
    boolean reads = call.method().equals("GET") || call.method().equals("HEAD");
    String actions =
        reads && !call.isUpload()
            ? "pull"
            : call.method().equals("DELETE") ? "delete" : "pull,push";
    return "repository:" + repository + ":" + actions;
  }

  private static String challenge(Auth.Dialect dialect, String host, String scope, String error) {
    String realm = "http://" + host + "/token";
    var quoted = new StringBuilder("Bearer realm=\"" + realm + "\",service=\"obd-test\"");
    if (!scope.isEmpty()) {
      quoted.append(",scope=\"").append(scope).append('"');
    }
    if (!error.isEmpty()) {
      quoted.append(",error=\"").append(error).append('"');
    }
    return switch (dialect) {
      case DOCKER, ACCESS_TOKEN, NO_EXPIRY -> quoted.toString();
      case DUPLICATE -> quoted + ", " + quoted;
      case TWO_CHALLENGES -> "Basic realm=\"a, \\\"b\\\"\", " + quoted;
      case ODD_SPELLING ->
          "bearer  service=obd-test ,  Scope=\"" + scope + "\" , realm = \"" + realm + "\"";
    };
  }

  private static Reply unauthorized() {
    return Reply.error(401, "UNAUTHORIZED", "authentication required");
  }

  private static String basic(String user, String password) {
    return "Basic "
        + Base64.getEncoder()
            .encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
  }
}
