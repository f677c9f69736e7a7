package dev.obd.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializationContext;
import com.google.gson.JsonSerializer;
import java.io.PrintWriter;
import java.lang.reflect.Type;
import java.util.Locale;

/**
 * How commands print data for scripts: one JSON document, field names as in the records, names of
 * enums in lower case.
 */
final class Json {
  private static final Gson GSON =
      new GsonBuilder()
          .setPrettyPrinting()
          .disableHtmlEscaping()
          .registerTypeHierarchyAdapter(Enum.class, (JsonSerializer<Enum<?>>) Json::name)
          .create();

  private Json() {}

  private static JsonElement name(Enum<?> value, Type type, JsonSerializationContext context) {
    return new JsonPrimitive(value.name().toLowerCase(Locale.ROOT).replace('_', '-'));
  }

  /** Prints a record with a first field that says what it is. */
  static void print(PrintWriter out, String kind, Object document) {
    var object = new JsonObject();
    object.addProperty("kind", kind);
    GSON.toJsonTree(document).getAsJsonObject().asMap().forEach(object::add);
    print(out, object);
  }

  static void print(PrintWriter out, Object document) {
    GSON.toJson(document, out);
    out.println();
  }
}
