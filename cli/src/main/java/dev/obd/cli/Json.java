package dev.obd.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.PrintWriter;

/** How commands print data for scripts: one JSON document, field names as in the records. */
final class Json {
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  private Json() {}

  static void print(PrintWriter out, Object document) {
    GSON.toJson(document, out);
    out.println();
  }
}
