package dev.obd.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code obd cache prune}. */
@Command(
    name = "prune",
    mixinStandardHelpOptions = true,
    description = {
      "Remove blobs from the cache: those that no image of the local store and no device needs, or with --all also the others.",
      "What is in use or pinned stays. Asks before it removes anything.",
      "",
      "Example:  obd cache prune",
      "          obd cache prune --all --keep-size 5G --force"
    })
final class CachePruneCommand implements Callable<Integer> {
  private static final int BATCH = 500;

  @Spec private CommandSpec spec;

  @Mixin private CacheDoor cache;

  @Option(names = "--all", description = "Also what images of the local store need.")
  private boolean all;

  @Option(
      names = "--outdated",
      description = "Only what no image and no device needs (the default).")
  private boolean outdated;

  @Option(
      names = "--older-than",
      paramLabel = "TIME",
      converter = Durations.WithUnit.class,
      description = "Only what was not used for this long: 12h, 30d.")
  private @Nullable Duration olderThan;

  @Option(
      names = "--keep-size",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description = "Stop when no more than this is left; what was used longest ago goes first.")
  private @Nullable Long keepSize;

  @Option(names = "--force", description = "Do not ask.")
  private boolean force;

  @Option(names = "--dry-run", description = "Only say what would be removed.")
  private boolean dryRun;

  @Option(names = "--json", description = "Print what was done as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (all && outdated) {
      throw new ParameterException(
          spec.commandLine(), "--all and --outdated exclude each other: all is not only that");
    }
    JsonObject wanted = conditions();
    if (force && !dryRun) {
      print(cache.prune(wanted));
      return 0;
    }
    wanted.addProperty("dryRun", true);
    JsonObject found = cache.prune(wanted);
    if (dryRun || found.getAsJsonArray("removed").isEmpty()) {
      print(found);
      return 0;
    }
    if (!agrees(found)) {
      return 1;
    }
    print(remove(found));
    return 0;
  }

  /** Removes what was agreed to, and nothing else; in parts, for a request has its limit. */
  private JsonObject remove(JsonObject found) throws IOException {
    var removed = new JsonArray();
    JsonObject spared = found.getAsJsonObject("spared");
    long freed = 0;
    List<JsonObject> blobs = CacheDoor.blobs(found, "removed");
    for (int from = 0; from < blobs.size(); from += BATCH) {
      var digests = new JsonArray();
      blobs
          .subList(from, Math.min(blobs.size(), from + BATCH))
          .forEach(blob -> digests.add(blob.get("digest")));
      JsonObject wanted = conditions();
      wanted.add("digests", digests);
      JsonObject done = cache.prune(wanted);
      removed.addAll(done.getAsJsonArray("removed"));
      done.getAsJsonObject("spared").asMap().forEach(spared::add);
      freed += done.get("freedBytes").getAsLong();
    }
    var all = new JsonObject();
    all.addProperty("dryRun", false);
    all.add("removed", removed);
    all.addProperty("freedBytes", freed);
    all.add("spared", spared);
    return all;
  }

  private JsonObject conditions() {
    var conditions = new JsonObject();
    conditions.addProperty("all", all);
    if (olderThan != null) {
      conditions.addProperty("olderThanSeconds", olderThan.toSeconds());
    }
    if (keepSize != null) {
      conditions.addProperty("keepBytes", keepSize);
    }
    return conditions;
  }

  private boolean agrees(JsonObject pruned) throws IOException {
    PrintWriter err = spec.commandLine().getErr();
    List<JsonObject> blobs = CacheDoor.blobs(pruned, "removed");
    blobs.forEach(blob -> err.println(line(blob)));
    err.print(
        "Remove these "
            + blobs.size()
            + " blobs, "
            + Sizes.show(pruned.get("freedBytes").getAsLong())
            + "? [y/N] ");
    err.flush();
    if (!Terminal.isInputTerminal()) {
      err.println();
      throw new ParameterException(
          spec.commandLine(), "nobody can be asked here: say --force, or --dry-run to only look");
    }
    var in = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()));
    String answer = in.readLine();
    return answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
  }

  private static String line(JsonObject blob) {
    return blob.get("digest").getAsString().substring(0, 19)
        + "  "
        + Sizes.show(blob.get("presentBytes").getAsLong());
  }

  private void print(JsonObject pruned) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, pruned);
      return;
    }
    List<JsonObject> removed = CacheDoor.blobs(pruned, "removed");
    removed.forEach(blob -> out.println(line(blob)));
    pruned
        .getAsJsonObject("spared")
        .asMap()
        .forEach((digest, reason) ->
            out.println(digest.substring(0, 19) + "  stays: " + reason.getAsString()));
    String would = dryRun ? "would free " : "freed ";
    out.println(
        would
            + Sizes.show(pruned.get("freedBytes").getAsLong())
            + " ("
            + pruned.get("freedBytes").getAsLong()
            + " bytes) of "
            + removed.size()
            + " blobs");
  }
}
