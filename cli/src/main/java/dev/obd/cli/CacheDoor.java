package dev.obd.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.backstore.admin.Answer;
import dev.obd.backstore.admin.CacheApi;
import dev.obd.backstore.upkeep.CacheUpkeep;
import dev.obd.cli.control.DaemonClient;
import dev.obd.cli.control.NoDaemonException;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;

/**
 * The cache that a command is about: the daemon's if one runs, which is then asked, or else the one
 * under OBD_HOME. The answers are the control API's documents either way.
 */
final class CacheDoor {
  private static final int LEAST_PREFIX = 4;

  @Mixin private ControlOptions control;

  @Mixin private SessionOptions options;

  @FunctionalInterface
  private interface Local {
    Answer on(CacheApi api, String body) throws IOException;
  }

  /** Opens what a command without a daemon works on. */
  Session session() throws IOException {
    return options.open();
  }

  /** All that is in the cache. */
  JsonObject list() throws IOException {
    return ask("GET", "/v1/cache", null, (api, _) -> api.list());
  }

  JsonObject prune(JsonObject conditions) throws IOException {
    return ask("POST", "/v1/cache/prune", conditions, CacheApi::prune);
  }

  JsonObject verify(JsonObject which) throws IOException {
    return ask("POST", "/v1/cache/verify", which, CacheApi::verify);
  }

  JsonObject bring(JsonObject file) throws IOException {
    return ask("POST", "/v1/cache/import", file, CacheApi::bring);
  }

  JsonObject pin(String digest, boolean pinned) throws IOException {
    return ask(
        pinned ? "PUT" : "DELETE",
        DaemonClient.path("/v1/cache/", digest, "/pin"),
        null,
        (api, _) -> api.pin(digest, pinned));
  }

  private JsonObject ask(String method, String path, @Nullable JsonObject body, Local local)
      throws IOException {
    try (DaemonClient client = control.client()) {
      return body == null && method.equals("GET")
          ? client.get(path)
          : client.send(method, path, body);
    } catch (NoDaemonException e) {
      if (!control.isDefault()) {
        throw e;
      }
    }
    try (Session session = session()) {
      var upkeep =
          new CacheUpkeep(session.cache(), session.images(), Map::of, InstantSource.system());
      Answer answer = local.on(new CacheApi(upkeep), body == null ? "" : body.toString());
      String text = StandardCharsets.UTF_8.decode(answer.body().duplicate()).toString();
      return JsonParser.parseString(text).getAsJsonObject();
    }
  }

  /** The blobs of a listing. */
  static List<JsonObject> blobs(JsonObject listing, String field) {
    return listing.getAsJsonArray(field).asList().stream()
        .map(JsonElement::getAsJsonObject)
        .toList();
  }

  /**
   * The digest that a user means by its first digits.
   *
   * @throws IllegalArgumentException if it is none, or more than one
   */
  String find(String text) throws IOException {
    if (Digest.isDigest(text)) {
      return text;
    }
    String digits = text.startsWith("sha256:") ? text.substring(7) : text;
    List<String> found =
        blobs(list(), "blobs").stream()
            .map(blob -> blob.get("digest").getAsString())
            .filter(digest -> digest.startsWith("sha256:" + digits))
            .toList();
    if (digits.length() < LEAST_PREFIX || found.size() != 1) {
      throw new IOException(
          text
              + (found.isEmpty() || digits.length() < LEAST_PREFIX
                  ? ": no such blob in the cache; give a digest or its first digits"
                  : ": " + found.size() + " blobs begin so; give more digits"));
    }
    return found.getFirst();
  }
}
