package dev.obd.backstore.explain;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializer;
import dev.obd.backstore.startlog.StartLog;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** An explanation as one page of HTML, which needs nothing else: no network, no other file. */
public final class ExplanationPage {
  /** Escapes what ends a script, too. */
  private static final Gson GSON =
      new GsonBuilder()
          .registerTypeHierarchyAdapter(
              ByteClass.class,
              (JsonSerializer<ByteClass>) (c, type, context) -> new JsonPrimitive(c.toString()))
          .create();

  private ExplanationPage() {}

  /** The page; a few hundred KiB as a rule and 10 MiB at most, whatever the log's size. */
  public static String of(StartLog log, Explanation explanation, FileNames files)
      throws IOException {
    JsonObject explained = GSON.toJsonTree(explanation).getAsJsonObject();
    explained.remove("requests"); // the rows show them
    var meanings = new JsonObject();
    for (ByteClass c : ByteClass.values()) {
      meanings.addProperty(c.toString(), c.meaning());
    }
    var data = new JsonObject();
    data.add("explanation", explained);
    data.add("view", GSON.toJsonTree(PageView.of(log, files)));
    data.add("meanings", meanings);
    return template().replace("@DATA@", GSON.toJson(data));
  }

  private static String template() throws IOException {
    try (InputStream in = ExplanationPage.class.getResourceAsStream("page.html")) {
      if (in == null) {
        throw new IllegalStateException("page.html is missing from the program");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
