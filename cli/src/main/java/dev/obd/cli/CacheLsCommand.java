package dev.obd.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code obd cache ls}. */
@Command(
    name = "ls",
    mixinStandardHelpOptions = true,
    description = {
      "List what is in the cache, what was used longest ago first.",
      "HERE is how much of a blob is on disk. USERS are devices, then images of the local store that need it; '*' says that it is in use, 'pinned' that it stays.",
      "",
      "Example:  obd cache ls --json | jq -r '.blobs[].digest'"
    })
final class CacheLsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CacheDoor cache;

  @Option(names = "--json", description = "Print the list as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    JsonObject listing = cache.list();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, listing);
    } else {
      table(out, CacheDoor.blobs(listing, "blobs"));
    }
    return 0;
  }

  private static void table(PrintWriter out, List<JsonObject> blobs) {
    String form = "%-19s  %-10s  %9s  %9s  %-20s  %-24s  %s%n";
    out.printf(form, "DIGEST", "FORMAT", "SIZE", "HERE", "LAST USE", "FROM", "USERS");
    for (JsonObject blob : blobs) {
      JsonElement from = blob.get("from");
      out.printf(
          form,
          blob.get("digest").getAsString().substring(0, 19),
          blob.get("format").getAsString(),
          Sizes.show(blob.get("blobBytes").getAsLong()),
          Sizes.show(blob.get("presentBytes").getAsLong()),
          blob.get("lastUse").getAsString().replaceAll("\\.\\d+Z", "Z"),
          from == null ? "-" : from.getAsString(),
          users(blob));
    }
  }

  private static String users(JsonObject blob) {
    List<String> users = new ArrayList<>();
    for (String field : List.of("devices", "images")) {
      blob.getAsJsonArray(field).forEach(user -> users.add(user.getAsString()));
    }
    String text = String.join(", ", users);
    String use = blob.get("inUse").getAsBoolean() ? "* " : "";
    String pin = blob.get("pinned").getAsBoolean() ? "pinned " : "";
    String all = (use + pin + text).strip();
    return all.isEmpty() ? "-" : all;
  }
}
