package dev.obd.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code obd cache du}. */
@Command(
    name = "du",
    mixinStandardHelpOptions = true,
    description = {
      "Tell how much the cache takes, how much it may, and how much could go.",
      "",
      "Example:  obd cache du --json"
    })
final class CacheDuCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CacheDoor cache;

  @Option(names = "--json", description = "Print it as JSON.")
  private boolean json;

  /** The document that {@code --json} prints; sizes in bytes. */
  private record Usage(
      String directory,
      long capacityBytes,
      long usedBytes,
      long inUseBytes,
      long pinnedBytes,
      long reclaimableBytes,
      Map<String, Long> byOrigin) {}

  @Override
  public Integer call() throws IOException {
    JsonObject listing = cache.list();
    Usage usage = usage(listing);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, usage);
      return 0;
    }
    new Facts(out)
        .add("directory", usage.directory)
        .add("capacity", Facts.bytes(usage.capacityBytes))
        .add("used", Facts.bytes(usage.usedBytes))
        .add("in use", Facts.bytes(usage.inUseBytes))
        .add("pinned", Facts.bytes(usage.pinnedBytes))
        .add("could go", Facts.bytes(usage.reclaimableBytes));
    usage.byOrigin.forEach((from, bytes) -> out.printf("%9s  %s%n", Sizes.show(bytes), from));
    return 0;
  }

  private static Usage usage(JsonObject listing) {
    long used = 0;
    long inUse = 0;
    long pinned = 0;
    long reclaimable = 0;
    var byOrigin = new TreeMap<String, Long>();
    List<JsonObject> blobs = CacheDoor.blobs(listing, "blobs");
    for (JsonObject blob : blobs) {
      long bytes = blob.get("presentBytes").getAsLong();
      boolean isInUse = blob.get("inUse").getAsBoolean();
      boolean isPinned = blob.get("pinned").getAsBoolean();
      used += bytes;
      inUse += isInUse ? bytes : 0;
      pinned += isPinned ? bytes : 0;
      reclaimable += isInUse || isPinned ? 0 : bytes;
      JsonElement from = blob.get("from");
      byOrigin.merge(from == null ? "-" : from.getAsString(), bytes, Long::sum);
    }
    return new Usage(
        listing.get("directory").getAsString(),
        listing.get("capacityBytes").getAsLong(),
        used,
        inUse,
        pinned,
        reclaimable,
        byOrigin);
  }
}
