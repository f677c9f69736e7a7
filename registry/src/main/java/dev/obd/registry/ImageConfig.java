package dev.obd.registry;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Optional;

/**
 * An image's configuration. Everything this program does not know stays as it is, in its place.
 * Immutable. Source: OCI image-spec 1.1 config.md.
 */
public final class ImageConfig {
  /** Configs larger than this are refused, in bytes. */
  public static final int MAX_BYTES = 4 << 20;

  private final String where;
  private final JsonObject json;
  private final List<Digest> diffIds;

  private ImageConfig(String where, JsonObject json) throws RegistryException {
    this.where = where;
    this.json = json;
    JsonFields fields = JsonFields.of(where, json);
    Optional<JsonFields> rootfs = fields.object("rootfs");
    List<String> ids = rootfs.isPresent() ? rootfs.get().strings("diff_ids") : List.of();
    try {
      diffIds = ids.stream().map(Digest::new).toList();
    } catch (IllegalArgumentException e) {
      throw fields.bad("rootfs.diff_ids: " + e.getMessage());
    }
    fields.objects("history"); // refused here rather than when a layer is added
    for (String name : List.of("os", "architecture", "variant", "created")) {
      fields.string(name);
    }
  }

  /**
   * Reads a config.
   *
   * @param where what messages call it: its digest
   * @throws RegistryException of kind BAD_ANSWER
   */
  public static ImageConfig parse(String where, byte[] bytes) throws RegistryException {
    return new ImageConfig(where, JsonFields.parse(where, bytes).copy());
  }

  /** A config without layers. */
  public static ImageConfig create(Platform platform) {
    var json = new JsonObject();
    json.addProperty("architecture", platform.architecture());
    json.addProperty("os", platform.os());
    platform.variant().ifPresent(v -> json.addProperty("variant", v));
    json.add("config", new JsonObject());
    return of("new config", json).withDiffIds(List.of());
  }

  public Platform platform() {
    return new Platform(
        text("os").orElse("linux"), text("architecture").orElse("unknown"), text("variant"));
  }

  /** RFC 3339, as written. */
  public Optional<String> created() {
    return text("created");
  }

  /** Digests of the uncompressed layers, lowest first. */
  public List<Digest> diffIds() {
    return diffIds;
  }

  /** Entries of the history, with and without a layer. */
  public int historySize() {
    return json.get("history") instanceof JsonArray history ? history.size() : 0;
  }

  /** The same with these layers; the history is left alone. */
  public ImageConfig withDiffIds(List<Digest> replacement) {
    JsonObject copy = json.deepCopy();
    var ids = new JsonArray();
    replacement.forEach(id -> ids.add(id.value()));
    JsonObject rootfs = copy.get("rootfs") instanceof JsonObject found ? found : new JsonObject();
    if (!rootfs.has("type")) {
      rootfs.addProperty("type", "layers");
    }
    rootfs.add("diff_ids", ids);
    copy.add("rootfs", rootfs);
    return of(where, copy);
  }

  /** The same with one more history entry, of a layer. */
  public ImageConfig withHistory(String createdBy, String comment) {
    JsonObject copy = json.deepCopy();
    JsonArray history = copy.get("history") instanceof JsonArray found ? found : new JsonArray();
    var entry = new JsonObject();
    entry.addProperty("created_by", createdBy);
    if (!comment.isEmpty()) {
      entry.addProperty("comment", comment);
    }
    history.add(entry);
    copy.add("history", history);
    return of(where, copy);
  }

  /** The same, created at another time (RFC 3339). */
  public ImageConfig withCreated(String created) {
    JsonObject copy = json.deepCopy();
    copy.addProperty("created", created);
    return of(where, copy);
  }

  /** The same with one more history entry, before all others. */
  public ImageConfig withFirstHistory(String created, String createdBy) {
    JsonObject copy = json.deepCopy();
    var entry = new JsonObject();
    entry.addProperty("created", created);
    entry.addProperty("created_by", createdBy);
    var history = new JsonArray();
    history.add(entry);
    if (copy.get("history") instanceof JsonArray found) {
      history.addAll(found);
    }
    copy.add("history", history);
    return of(where, copy);
  }

  /** The same without its first history entry, if that says it was created by this. */
  public ImageConfig withoutFirstHistory(String createdBy) {
    JsonObject copy = json.deepCopy();
    if (copy.get("history") instanceof JsonArray history
        && !history.isEmpty()
        && history.get(0) instanceof JsonObject first
        && new JsonPrimitive(createdBy).equals(first.get("created_by"))) {
      history.remove(0);
    }
    return of(where, copy);
  }

  /** The same without its last history entry, if that says it was created by this. */
  public ImageConfig withoutLastHistory(String createdBy) {
    JsonObject copy = json.deepCopy();
    if (copy.get("history") instanceof JsonArray history
        && !history.isEmpty()
        && history.get(history.size() - 1) instanceof JsonObject last
        && new JsonPrimitive(createdBy).equals(last.get("created_by"))) {
      history.remove(history.size() - 1);
    }
    return of(where, copy);
  }

  /** Compact JSON. */
  public byte[] toBytes() {
    return JsonFields.bytes(json);
  }

  private Optional<String> text(String name) {
    JsonElement value = json.get(name);
    return value != null && value.isJsonPrimitive() && !value.getAsString().isEmpty()
        ? Optional.of(value.getAsString())
        : Optional.empty();
  }

  private static ImageConfig of(String where, JsonObject json) {
    try {
      return new ImageConfig(where, json);
    } catch (RegistryException e) {
      throw new IllegalStateException("made from checked parts", e);
    }
  }
}
