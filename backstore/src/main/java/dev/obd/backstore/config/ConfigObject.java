package dev.obd.backstore.config;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One object of a JSON file that people or programs write for obd: strict JSON, right types, within
 * bounds. Every complaint names the file and the key. Remembers which keys were asked for, so that
 * what nobody understands can be told. Not thread-safe.
 */
public final class ConfigObject {
  /** Longer files are refused. */
  public static final int MAX_BYTES = 1 << 20;

  private static final int MAX_NESTING = 32;
  private static final int MAX_SHOWN_CHARS = 100;

  private final String file;
  private final String prefix;
  private final JsonObject json;
  private final Set<String> known = new HashSet<>();
  private final List<ConfigObject> children = new ArrayList<>();

  private ConfigObject(String file, String prefix, JsonObject json) {
    this.file = file;
    this.prefix = prefix;
    this.json = json;
  }

  /** Reads {@code path}, at most {@link #MAX_BYTES} of it. */
  public static ConfigObject read(Path path) throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(path)) {
      bytes = in.readNBytes(MAX_BYTES + 1); // not by its size: it may grow, or be no file
    }
    if (bytes.length > MAX_BYTES) {
      throw new ConfigException(
          path.toString(), "size", "at most " + MAX_BYTES + " bytes", "more than that");
    }
    try {
      return parse(
          path.toString(),
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      throw new ConfigException(path.toString(), "not UTF-8");
    }
  }

  /** Parses {@code text}; {@code file} names it in errors. */
  public static ConfigObject parse(String file, String text) throws ConfigException {
    JsonReader reader = new JsonReader(new StringReader(text));
    reader.setStrictness(Strictness.STRICT);
    reader.setNestingLimit(MAX_NESTING);
    JsonElement element;
    boolean more;
    try {
      element = JsonParser.parseReader(reader);
      more = reader.peek() != JsonToken.END_DOCUMENT;
    } catch (JsonParseException | IOException | StackOverflowError e) {
      // Gson's message talks to programmers; the place is what the user needs.
      throw new ConfigException(file, "not valid JSON near " + shown(reader.getPath()));
    }
    if (more) {
      throw new ConfigException(file, "text after the JSON object");
    }
    if (!element.isJsonObject()) {
      throw new ConfigException(file, "top level", "a JSON object", kind(element));
    }
    return new ConfigObject(file, "", element.getAsJsonObject());
  }

  /** What messages call the file. */
  public String file() {
    return file;
  }

  /** True if the key is there. */
  public boolean has(String key) {
    return get(key) != null;
  }

  /** A string; empty and absent are the same, as in the original. */
  public Optional<String> string(String key) throws ConfigException {
    return text(key).filter(s -> !s.isEmpty());
  }

  /** A string that may be empty; absent means {@code absent}. */
  public String string(String key, String absent) throws ConfigException {
    return text(key).orElse(absent);
  }

  private Optional<String> text(String key) throws ConfigException {
    JsonElement e = get(key);
    if (e == null) {
      return Optional.empty();
    }
    if (!(e instanceof JsonPrimitive p) || !p.isString()) {
      throw wrong(key, "a string", kind(e));
    }
    return Optional.of(p.getAsString());
  }

  /** A path, resolved against {@code base}; empty and absent are the same. */
  public Optional<Path> path(String key, Path base) throws ConfigException {
    Optional<String> text = string(key);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(base.resolve(text.get()));
    } catch (InvalidPathException e) {
      throw wrong(key, "a path", quoted(text.get()));
    }
  }

  /** True or false. */
  public boolean bool(String key, boolean absent) throws ConfigException {
    JsonElement e = get(key);
    if (e == null) {
      return absent;
    }
    if (!(e instanceof JsonPrimitive p) || !p.isBoolean()) {
      throw wrong(key, "true or false", kind(e));
    }
    return p.getAsBoolean();
  }

  /** A whole number from {@code least} to {@code most}. */
  public int whole(String key, int absent, int least, int most) throws ConfigException {
    return (int) whole(key, absent, least, (long) most);
  }

  /** A whole number from {@code least} to {@code most}. */
  public long whole(String key, long absent, long least, long most) throws ConfigException {
    JsonElement e = get(key);
    if (e == null) {
      return absent;
    }
    if (e instanceof JsonPrimitive p && p.isNumber()) {
      try {
        BigDecimal number = p.getAsBigDecimal();
        // The exponent is looked at first: a short text can stand for a number of a billion digits.
        if (Math.abs((long) number.scale()) < 64) {
          long value = number.longValueExact();
          if (value >= least && value <= most) {
            return value;
          }
        }
      } catch (ArithmeticException | NumberFormatException notWhole) {
        // falls through to the error below
      }
    }
    String limit =
        most == Long.MAX_VALUE ? " of at least " + least : " from " + least + " to " + most;
    throw wrong(key, "a whole number" + limit, kind(e));
  }

  /** An object below this one. */
  public Optional<ConfigObject> object(String key) throws ConfigException {
    JsonElement e = get(key);
    return e == null ? Optional.empty() : Optional.of(child(key, e));
  }

  /** An array of objects; absent is empty. */
  public List<ConfigObject> objects(String key, int most) throws ConfigException {
    JsonElement e = get(key);
    if (e == null) {
      return List.of();
    }
    if (!e.isJsonArray()) {
      throw wrong(key, "an array", kind(e));
    }
    JsonArray array = e.getAsJsonArray();
    if (array.size() > most) {
      throw wrong(key, "at most " + most + " entries", array.size());
    }
    List<ConfigObject> all = new ArrayList<>();
    for (int i = 0; i < array.size(); i++) {
      all.add(child(key + "[" + i + "]", array.get(i)));
    }
    return all;
  }

  /** An array of strings; absent is empty. */
  public List<String> strings(String key, int most) throws ConfigException {
    JsonElement e = get(key);
    if (e == null) {
      return List.of();
    }
    if (!e.isJsonArray() || e.getAsJsonArray().size() > most) {
      throw wrong(key, "an array of at most " + most + " strings", kind(e));
    }
    List<String> all = new ArrayList<>();
    for (JsonElement one : e.getAsJsonArray()) {
      if (!(one instanceof JsonPrimitive p) || !p.isString()) {
        throw wrong(key, "an array of strings", kind(one));
      }
      all.add(p.getAsString());
    }
    return all;
  }

  private ConfigObject child(String key, JsonElement e) throws ConfigException {
    if (!e.isJsonObject()) {
      throw wrong(key, "an object", kind(e));
    }
    ConfigObject child = new ConfigObject(file, prefix + key + ".", e.getAsJsonObject());
    children.add(child);
    return child;
  }

  /** The keys of this object, in the order found; all of them count as asked for. */
  public List<String> keys() {
    known.addAll(json.keySet());
    return List.copyOf(json.keySet());
  }

  /** Keys that nobody has asked for, here and below, with the names of the objects they are in. */
  public List<String> unknown() {
    List<String> all = new ArrayList<>();
    json.keySet().stream()
        .filter(key -> !known.contains(key))
        .map(key -> shown(prefix + key))
        .forEach(all::add);
    children.forEach(child -> all.addAll(child.unknown()));
    return List.copyOf(all);
  }

  /** The complaint about a key of this object. */
  public ConfigException wrong(String key, String expected, Object actual) {
    return new ConfigException(file, prefix + key, expected, actual);
  }

  private @Nullable JsonElement get(String key) {
    known.add(key);
    return json.get(key);
  }

  private static String kind(JsonElement e) {
    if (e.isJsonArray()) {
      return "an array";
    }
    if (e.isJsonObject()) {
      return "an object";
    }
    return shown(e.toString());
  }

  /** As a message shows what a user wrote. */
  static String quoted(String text) {
    return "'" + shown(text) + "'";
  }

  private static String shown(String text) {
    return text.length() <= MAX_SHOWN_CHARS ? text : text.substring(0, MAX_SHOWN_CHARS) + "...";
  }
}
