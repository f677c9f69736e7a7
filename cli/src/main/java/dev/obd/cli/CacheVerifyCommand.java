package dev.obd.cli;

import com.google.gson.JsonArray;
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
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd cache verify}. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    description = {
      "Read what is in the cache and compare every block with its checksum, and whole blobs with their digest.",
      "What is damaged is dropped, and fetched again when it is read. Exits 1 if something was.",
      "",
      "Example:  obd cache verify",
      "          obd cache verify 3fa8c1d2 --json"
    })
final class CacheVerifyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CacheDoor cache;

  @Parameters(
      paramLabel = "DIGEST",
      arity = "0..*",
      description = "Blobs, by digest or its first digits (default: all).")
  private List<String> blobs = new ArrayList<>();

  @Option(names = "--json", description = "Print what was found as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    var digests = new JsonArray();
    for (String blob : blobs) {
      digests.add(cache.find(blob));
    }
    var which = new JsonObject();
    which.add("digests", digests);
    JsonObject verified = cache.verify(which);
    List<JsonObject> results = CacheDoor.blobs(verified, "blobs");
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, verified);
    } else {
      results.forEach(result -> out.println(text(result)));
    }
    return results.stream().anyMatch(CacheVerifyCommand::isBad) ? 1 : 0;
  }

  private static boolean isBad(JsonObject result) {
    return result.get("damagedBytes").getAsLong() > 0 || result.get("wrongDigest").getAsBoolean();
  }

  private static String text(JsonObject result) {
    String good = Sizes.show(result.get("checkedBytes").getAsLong());
    String what;
    if (result.get("wrongDigest").getAsBoolean()) {
      what = "whole, and its digest is another one: dropped";
    } else if (isBad(result)) {
      what =
          Sizes.show(result.get("damagedBytes").getAsLong())
              + " damaged and dropped, "
              + good
              + " as fetched";
    } else {
      what =
          good + (result.get("complete").getAsBoolean() ? ", whole, digest right" : " as fetched");
    }
    return result.get("digest").getAsString().substring(0, 19) + "  " + what;
  }
}
