package dev.obd.registry;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object from outside: every access checks the type and names the place. Not thread-safe if
 * the tree below is changed.
 */
public final class JsonFields {
  /** Compact, deterministic, {@code <} and {@code &} as they are. */
  private static final Gson OUT = new GsonBuilder().disableHtmlEscaping().serializeNulls().create();

  private static final int MAX_NESTING = 64;
  private static final Pattern WHOLE = Pattern.compile("0|[1-9][0-9]{0,18}");

  private final String where;
  private final JsonObject json;

  private JsonFields(String where, JsonObject json) {
    this.where = where;
    this.json = json;
  }

  /**
   * Reads one object.
   *
   * @param where what messages call these bytes
   * @throws RegistryException of kind BAD_ANSWER if they are not one JSON object, strictly
   */
  public static JsonFields parse(String where, byte[] bytes) throws RegistryException {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw bad(where, "expected UTF-8", e);
    }
    var reader = new JsonReader(new StringReader(text));
    reader.setStrictness(Strictness.STRICT);
    reader.setNestingLimit(MAX_NESTING);
    try {
      JsonElement root = JsonParser.parseReader(reader);
      if (reader.peek() != JsonToken.END_DOCUMENT || !root.isJsonObject()) {
        throw bad(where, "expected one JSON object", null);
      }
      return new JsonFields(where, root.getAsJsonObject());
    } catch (RegistryException e) {
      throw e;
    } catch (JsonParseException | IOException e) {
      String problem = String.valueOf(e.getMessage());
      throw bad(where, "not JSON: " + Untrusted.printable(problem, 200), e);
    }
  }

  static JsonFields of(String where, JsonObject json) {
    return new JsonFields(where, json);
  }

  static byte[] bytes(JsonElement json) {
    return OUT.toJson(json).getBytes(StandardCharsets.UTF_8);
  }

  /** The failure for this object: {@code where: problem}. */
  public RegistryException bad(String problem) {
    return bad(where, problem, null);
  }

  public boolean has(String name) {
    return present(name) != null;
  }

  /** Names of all fields, in the order found. */
  public Set<String> names() {
    return json.keySet();
  }

  public Optional<String> string(String name) throws RegistryException {
    JsonElement value = present(name);
    return value == null ? Optional.empty() : Optional.of(text(value, name));
  }

  public String requiredString(String name) throws RegistryException {
    return string(name).orElseThrow(() -> bad(where + "." + name, "missing", null));
  }

  public Optional<Boolean> bool(String name) throws RegistryException {
    JsonElement value = present(name);
    if (value == null) {
      return Optional.empty();
    }
    if (!value.isJsonPrimitive() || !value.getAsJsonPrimitive().isBoolean()) {
      throw bad(where + "." + name, "expected true or false", null);
    }
    return Optional.of(value.getAsBoolean());
  }

  /** A whole number from 0 to 2^63-1. */
  public Optional<Long> whole(String name) throws RegistryException {
    JsonElement value = present(name);
    if (value == null) {
      return Optional.empty();
    }
    String digits =
        value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber() ? value.getAsString() : "";
    if (WHOLE.matcher(digits).matches()) {
      try {
        return Optional.of(Long.parseLong(digits));
      } catch (NumberFormatException e) {
        // Nineteen digits above 2^63-1: reported below like every other bad number.
      }
    }
    throw bad(
        where + "." + name,
        "expected a whole number, got " + Untrusted.printable(value.toString(), 40),
        null);
  }

  public Optional<JsonFields> object(String name) throws RegistryException {
    JsonElement value = present(name);
    return value == null
        ? Optional.empty()
        : Optional.of(new JsonFields(where + "." + name, asObject(value, name)));
  }

  /** The objects of an array; empty if the field is not there. */
  public List<JsonFields> objects(String name) throws RegistryException {
    var all = new ArrayList<JsonFields>();
    for (JsonElement value : array(name)) {
      String place = name + "[" + all.size() + "]";
      all.add(new JsonFields(where + "." + place, asObject(value, place)));
    }
    return all;
  }

  /** The strings of an array; empty if the field is not there. */
  public List<String> strings(String name) throws RegistryException {
    var all = new ArrayList<String>();
    for (JsonElement value : array(name)) {
      all.add(text(value, name + "[" + all.size() + "]"));
    }
    return all;
  }

  /** An object whose values are strings, in the order found; empty if the field is not there. */
  public Map<String, String> stringMap(String name) throws RegistryException {
    var all = new LinkedHashMap<String, String>();
    Optional<JsonFields> object = object(name);
    if (object.isPresent()) {
      for (var field : object.get().json.entrySet()) {
        all.put(field.getKey(), text(field.getValue(), name + "." + field.getKey()));
      }
    }
    return all;
  }

  public Digest digest(String name) throws RegistryException {
    String text = requiredString(name);
    try {
      return new Digest(text);
    } catch (IllegalArgumentException e) {
      throw bad(where + "." + name, String.valueOf(e.getMessage()), e);
    }
  }

  /** An OCI descriptor. */
  public Descriptor descriptor() throws RegistryException {
    Optional<Long> size = whole("size");
    if (size.isEmpty()) {
      throw bad(where + ".size", "missing", null);
    }
    return new Descriptor(
        requiredString("mediaType"),
        digest("digest"),
        size.get(),
        stringMap("annotations"),
        others(Set.of("mediaType", "digest", "size", "annotations")));
  }

  /** Fields not named in {@code known}, as JSON text. */
  Map<String, String> others(Set<String> known) {
    var all = new LinkedHashMap<String, String>();
    for (var field : json.entrySet()) {
      if (!known.contains(field.getKey())) {
        all.put(field.getKey(), OUT.toJson(field.getValue()));
      }
    }
    return all;
  }

  /** The tree itself; a copy. */
  JsonObject copy() {
    return json.deepCopy();
  }

  static JsonObject toJson(Descriptor descriptor) {
    var out = new JsonObject();
    out.addProperty("mediaType", descriptor.mediaType());
    out.addProperty("digest", descriptor.digest().value());
    out.addProperty("size", descriptor.size());
    if (!descriptor.annotations().isEmpty()) {
      out.add("annotations", toJson(descriptor.annotations()));
    }
    addOthers(out, descriptor.otherFields());
    return out;
  }

  static JsonArray toJson(List<Descriptor> descriptors) {
    var out = new JsonArray();
    descriptors.forEach(d -> out.add(toJson(d)));
    return out;
  }

  static JsonObject toJson(Map<String, String> strings) {
    var out = new JsonObject();
    strings.forEach(out::addProperty);
    return out;
  }

  static void addOthers(JsonObject out, Map<String, String> others) {
    others.forEach((name, text) -> out.add(name, JsonParser.parseString(text)));
  }

  private @Nullable JsonElement present(String name) {
    JsonElement value = json.get(name);
    return value == null || value.isJsonNull() ? null : value;
  }

  private Iterable<JsonElement> array(String name) throws RegistryException {
    JsonElement value = present(name);
    if (value == null) {
      return List.of();
    }
    if (!value.isJsonArray()) {
      throw bad(where + "." + name, "expected an array", null);
    }
    return value.getAsJsonArray();
  }

  private JsonObject asObject(JsonElement value, String place) throws RegistryException {
    if (!value.isJsonObject()) {
      throw bad(where + "." + Untrusted.printable(place, 80), "expected an object", null);
    }
    return value.getAsJsonObject();
  }

  private String text(JsonElement value, String place) throws RegistryException {
    if (!value.isJsonPrimitive() || !value.getAsJsonPrimitive().isString()) {
      throw bad(where + "." + Untrusted.printable(place, 80), "expected a string", null);
    }
    return value.getAsString();
  }

  private static RegistryException bad(String where, String problem, @Nullable Throwable cause) {
    return new RegistryException(
        RegistryException.Kind.BAD_ANSWER, 0, where + ": " + problem, cause);
  }
}
