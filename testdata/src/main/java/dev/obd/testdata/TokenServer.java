package dev.obd.testdata;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The token service of a registry with {@code auth: token}: {@code GET /token?service=&scope=}.
 * With the right Basic credentials a token grants what was asked; without any it grants pull; with
 * wrong ones the answer is 401.
 */
final class TokenServer implements AutoCloseable {
  /** docker-registry accepts tokens for this long after their expiry (its clock leeway). */
  private static final Duration LEEWAY = Duration.ofSeconds(60);

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final SigningKey key;
  private final String credentials;
  private final Duration lifetime;
  private final List<LoggedRequest> log = Collections.synchronizedList(new ArrayList<>());

  TokenServer(SigningKey key, String user, String password, Duration lifetime) throws IOException {
    this.key = key;
    this.credentials =
        "Basic "
            + Base64.getEncoder()
                .encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
    this.lifetime = lifetime;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/token", this::answer);
    server.start();
  }

  URI realm() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/token");
  }

  List<LoggedRequest> log() {
    synchronized (log) {
      return List.copyOf(log);
    }
  }

  void clearLog() {
    log.clear();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      long arrived = System.nanoTime();
      String authorization = exchange.getRequestHeaders().getFirst("Authorization");
      boolean known = authorization != null;
      int status = known && !authorization.equals(credentials) ? 401 : 200;
      byte[] body =
          (status == 200 ? token(exchange.getRequestURI(), known) : "{}")
              .getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      log.add(
          new LoggedRequest(
              arrived,
              System.nanoTime(),
              "token",
              exchange.getRequestMethod(),
              exchange.getRequestURI().toString(),
              authorization == null ? Map.of() : Map.of("authorization", authorization),
              status,
              body.length));
      exchange.sendResponseHeaders(status, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private String token(URI request, boolean known) {
    Instant now = Instant.now();
    var access = new JsonArray();
    Map<String, String> query = Queries.parse(request.getRawQuery());
    for (String scope : query.getOrDefault("scope", "").split(" ", -1)) {
      grant(scope, known, access);
    }
    var claims = new JsonObject();
    claims.addProperty("iss", ProcessRegistry.ISSUER);
    claims.addProperty("sub", known ? ProcessRegistry.USER : "");
    claims.addProperty("aud", query.getOrDefault("service", ""));
    claims.addProperty("iat", now.getEpochSecond() - 120);
    claims.addProperty("nbf", now.getEpochSecond() - 120);
    claims.addProperty("exp", now.plus(lifetime).minus(LEEWAY).getEpochSecond());
    claims.addProperty("jti", UUID.randomUUID().toString());
    claims.add("access", access);
    var reply = new JsonObject();
    reply.addProperty("token", key.sign(claims.toString()));
    reply.addProperty("expires_in", lifetime.toSeconds());
    reply.addProperty("issued_at", now.toString());
    return reply.toString();
  }

  /** {@code type:name:action,action}; the name may hold colons (a port). */
  private static void grant(String scope, boolean known, JsonArray access) {
    int first = scope.indexOf(':');
    int last = scope.lastIndexOf(':');
    if (first < 0 || first == last) {
      return;
    }
    var actions = new JsonArray();
    for (String action : scope.substring(last + 1).split(",", -1)) {
      if (known || action.equals("pull")) {
        actions.add(action);
      }
    }
    var entry = new JsonObject();
    entry.addProperty("type", scope.substring(0, first));
    entry.addProperty("name", scope.substring(first + 1, last));
    entry.add("actions", actions);
    access.add(entry);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.close();
  }
}
