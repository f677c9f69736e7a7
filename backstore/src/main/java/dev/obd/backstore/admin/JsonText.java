package dev.obd.backstore.admin;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializationContext;
import com.google.gson.JsonSerializer;
import com.google.gson.Strictness;
import java.lang.reflect.Type;
import java.util.Locale;

/** Documents of the control API: field names as in the records, enums in lower case. */
final class JsonText {
  private static final Gson GSON =
      new GsonBuilder()
          .disableHtmlEscaping()
          .registerTypeHierarchyAdapter(Enum.class, (JsonSerializer<Enum<?>>) JsonText::name)
          .create();

  private static final Gson STRICT = new GsonBuilder().setStrictness(Strictness.STRICT).create();

  private JsonText() {}

  private static JsonElement name(Enum<?> value, Type type, JsonSerializationContext context) {
    return new JsonPrimitive(value.name().toLowerCase(Locale.ROOT).replace('_', '-'));
  }

  static String of(Object document) {
    return GSON.toJson(document);
  }

  /**
   * A record from a request's body.
   *
   * @throws AdminException if it is none
   */
  static <T> T parse(String body, Class<T> type) throws AdminException {
    try {
      T document = STRICT.fromJson(body, type);
      if (document == null) {
        throw new AdminException(400, "bad-json", "the body: expected a JSON object, got nothing");
      }
      return document;
    } catch (JsonParseException | StackOverflowError e) {
      throw new AdminException(
          400,
          "bad-json",
          "the body is not the JSON that is expected here",
          "see docs/control-api.md for the fields and their types");
    }
  }
}
