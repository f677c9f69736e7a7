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
import dev.obd.backstore.config.DeviceConfig.Lower;
import dev.obd.backstore.config.DeviceConfig.Upper;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code config.v1.json}: strict JSON, right types, bounded. Paths are relative to a given
 * directory.
 */
public final class DeviceConfigReader {
  private static final long MAX_BYTES = 1 << 20;
  private static final int MAX_LOWERS = 256;
  private static final Set<String> TOP =
      Set.of(
          "repoBlobUrl",
          "lowers",
          "upper",
          "resultFile",
          "download",
          "accelerationLayer",
          "recordTracePath");
  private static final Set<String> LOWER =
      Set.of("file", "dir", "digest", "size", "targetFile", "targetDigest", "gzipIndex");
  private static final Set<String> UPPER = Set.of("index", "data", "target", "gzipIndex", "vsize");

  private final String file;
  private final Path base;
  private final List<String> unknown = new ArrayList<>();

  private DeviceConfigReader(String file, Path base) {
    this.file = file;
    this.base = base;
  }

  /** Reads {@code path}; relative paths in it are resolved against {@code base}. */
  public static DeviceConfig read(Path path, Path base) throws IOException {
    long size = Files.size(path);
    if (size > MAX_BYTES) {
      throw new ConfigException(path.toString(), "size", "at most " + MAX_BYTES + " bytes", size);
    }
    return parse(path.toString(), Files.readString(path), base);
  }

  /** Parses {@code text}; {@code file} names it in errors. */
  public static DeviceConfig parse(String file, String text, Path base) throws ConfigException {
    return new DeviceConfigReader(file, base).config(object(file, text));
  }

  private static JsonObject object(String file, String text) throws ConfigException {
    JsonReader reader = new JsonReader(new StringReader(text));
    reader.setStrictness(Strictness.STRICT);
    JsonElement element;
    boolean more;
    try {
      element = JsonParser.parseReader(reader);
      more = reader.peek() != JsonToken.END_DOCUMENT;
    } catch (JsonParseException | IOException | StackOverflowError e) {
      // Gson's message talks to programmers; the place is what the user needs.
      throw new ConfigException(file, "not valid JSON near " + reader.getPath());
    }
    if (more) {
      throw new ConfigException(file, "text after the JSON object");
    }
    if (!element.isJsonObject()) {
      throw new ConfigException(file, "top level", "a JSON object", kind(element));
    }
    return element.getAsJsonObject();
  }

  private DeviceConfig config(JsonObject top) throws ConfigException {
    collectUnknown("", top, TOP);
    List<Lower> lowers = new ArrayList<>();
    JsonElement list = top.get("lowers");
    if (list != null) {
      if (!list.isJsonArray()) {
        throw new ConfigException(file, "lowers", "an array", kind(list));
      }
      JsonArray array = list.getAsJsonArray();
      if (array.size() > MAX_LOWERS) {
        throw new ConfigException(
            file, "lowers", "at most " + MAX_LOWERS + " layers", array.size());
      }
      for (int i = 0; i < array.size(); i++) {
        lowers.add(lower("lowers[" + i + "]", array.get(i)));
      }
    }
    Optional<Upper> upper = upper(top.get("upper"));
    boolean acceleration = bool(top, "accelerationLayer");
    Optional<Path> record = path("", top, "recordTracePath");
    if (acceleration && record.isPresent()) {
      throw new ConfigException(
          file, "recordTracePath", "nothing, because accelerationLayer is true", record.get());
    }
    if (lowers.isEmpty() && upper.isEmpty()) {
      throw new ConfigException(file, "lowers", "at least one layer, or an upper", "neither");
    }
    return new DeviceConfig(
        string("", top, "repoBlobUrl").orElse(""),
        List.copyOf(lowers),
        upper,
        path("", top, "resultFile"),
        acceleration,
        record,
        List.copyOf(unknown));
  }

  private Lower lower(String key, JsonElement element) throws ConfigException {
    if (!element.isJsonObject()) {
      throw new ConfigException(file, key, "an object", kind(element));
    }
    JsonObject o = element.getAsJsonObject();
    String at = key + ".";
    collectUnknown(at, o, LOWER);
    return new Lower(
        path(at, o, "file"),
        path(at, o, "dir"),
        string(at, o, "digest"),
        size(at, o),
        path(at, o, "targetFile"),
        string(at, o, "targetDigest"),
        path(at, o, "gzipIndex"));
  }

  private Optional<Upper> upper(@Nullable JsonElement element) throws ConfigException {
    if (element == null) {
      return Optional.empty();
    }
    if (!element.isJsonObject()) {
      throw new ConfigException(file, "upper", "an object", kind(element));
    }
    JsonObject o = element.getAsJsonObject();
    collectUnknown("upper.", o, UPPER);
    Optional<Path> index = path("upper.", o, "index");
    Optional<Path> data = path("upper.", o, "data");
    if (index.isEmpty() || data.isEmpty()) {
      return Optional.empty(); // as the original: either one missing means a read-only device
    }
    return Optional.of(
        new Upper(
            index.get(), data.get(), path("upper.", o, "target"), path("upper.", o, "gzipIndex")));
  }

  private void collectUnknown(String at, JsonObject o, Set<String> known) {
    o.keySet().stream().filter(k -> !known.contains(k)).map(k -> at + k).forEach(unknown::add);
  }

  private Optional<Path> path(String at, JsonObject o, String key) throws ConfigException {
    Optional<String> text = string(at, o, key);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(base.resolve(text.get()));
    } catch (java.nio.file.InvalidPathException e) {
      throw new ConfigException(file, at + key, "a path", "'" + text.get() + "'");
    }
  }

  /** A string; empty and absent are the same, as in the original. */
  private Optional<String> string(String at, JsonObject o, String key) throws ConfigException {
    JsonElement e = o.get(key);
    if (e == null) {
      return Optional.empty();
    }
    if (!(e instanceof JsonPrimitive p) || !p.isString()) {
      throw new ConfigException(file, at + key, "a string", kind(e));
    }
    return Optional.of(p.getAsString()).filter(s -> !s.isEmpty());
  }

  private boolean bool(JsonObject o, String key) throws ConfigException {
    JsonElement e = o.get(key);
    if (e == null) {
      return false;
    }
    if (!(e instanceof JsonPrimitive p) || !p.isBoolean()) {
      throw new ConfigException(file, key, "true or false", kind(e));
    }
    return p.getAsBoolean();
  }

  private long size(String at, JsonObject o) throws ConfigException {
    JsonElement e = o.get("size");
    if (e == null) {
      return 0;
    }
    if (e instanceof JsonPrimitive p && p.isNumber()) {
      try {
        BigDecimal number = p.getAsBigDecimal();
        // The exponent is looked at first: a short text can stand for a number of a billion digits.
        if (Math.abs((long) number.scale()) < 64 && number.signum() >= 0) {
          return number.longValueExact();
        }
      } catch (ArithmeticException | NumberFormatException notWhole) {
        // falls through to the error below
      }
    }
    throw new ConfigException(file, at + "size", "a whole number of bytes", e);
  }

  private static String kind(JsonElement e) {
    if (e.isJsonArray()) {
      return "an array";
    }
    if (e.isJsonObject()) {
      return "an object";
    }
    return e.toString();
  }
}
