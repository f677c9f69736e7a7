package dev.obd.cli;

import static dev.obd.cli.DeviceNames.text;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The daemon's documents as people read them. */
final class DeviceText {
  private DeviceText() {}

  /** What a device that was just attached is called, and where it is. */
  static void attached(PrintWriter out, JsonObject device) {
    new Facts(out)
        .add("name", text(device, "id"))
        .add("via", text(device, "via"))
        .add("device", text(device, "node"))
        .add("mounted at", text(device, "mount"))
        .add("size", size(device));
  }

  /** Why a device that could have gone by any door did not go by a better one. */
  static void doorsPassedOver(PrintWriter out, JsonObject status, JsonObject device) {
    var facts = new Facts(out);
    for (JsonElement door : status.getAsJsonArray("doors")) { // the best first
      JsonObject better = door.getAsJsonObject();
      if (text(better, "door").equals(text(device, "via"))) {
        return;
      }
      facts.add("not " + text(better, "door"), text(better, "because"));
    }
  }

  /** One line per device. */
  static void list(PrintWriter out, List<JsonObject> devices) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("NAME", "STATE", "VIA", "SIZE", "DEVICE", "MOUNT", "SOURCE"));
    for (JsonObject device : devices) {
      rows.add(
          List.of(
              text(device, "id"),
              text(device, "state"),
              text(device, "via"),
              size(device),
              text(device, "node"),
              text(device, "mount"),
              text(device, "source")));
    }
    table(out, rows);
  }

  private static void table(PrintWriter out, List<List<String>> rows) {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).isEmpty() ? 1 : row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      var line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String cell = row.get(i).isEmpty() ? "-" : row.get(i);
        line.append(cell);
        if (i < columns - 1) {
          line.append(" ".repeat(widths[i] - cell.length() + 2));
        }
      }
      out.println(line);
    }
  }

  private static String size(JsonObject device) {
    @Nullable JsonObject live = object(device, "live");
    return live == null ? "" : Sizes.show(live.get("sizeBytes").getAsLong());
  }

  private static @Nullable JsonObject object(JsonObject parent, String field) {
    JsonElement value = parent.get(field);
    return value == null || !value.isJsonObject() ? null : value.getAsJsonObject();
  }

  /** Everything about one device. */
  static void device(PrintWriter out, JsonObject device) {
    var facts = new Facts(out);
    facts
        .add("name", text(device, "id"))
        .add("source", text(device, "source"))
        .add("state", text(device, "state"))
        .add("because", text(device, "reason"))
        .add("tries", text(device, "tries"))
        .add("device id", text(device, "devId"))
        .add("via", text(device, "via"))
        .add("device", text(device, "node"))
        .add("mounted at", text(device, "mount"))
        .add("file system", text(device, "fsType"))
        .add("writable layer", text(device, "upper"))
        .add("since", text(device, "since"))
        .add("last error", text(device, "lastError"));
    @Nullable JsonObject live = object(device, "live");
    if (live != null) {
      live(facts, live);
    }
  }

  private static void live(Facts facts, JsonObject live) {
    facts
        .add("size", Facts.bytes(live.get("sizeBytes").getAsLong()))
        .add("writable", live.get("writable").getAsBoolean() ? "yes" : "no")
        .add("in flight", live.get("inFlight").getAsInt());
    if (live.get("stalled").getAsInt() > 0) {
      facts.add("stalled", live.get("stalled").getAsInt());
    }
    live.getAsJsonObject("requests")
        .asMap()
        .forEach((op, stats) -> facts.add(op, requests(stats.getAsJsonObject())));
    live.getAsJsonObject("failures")
        .asMap()
        .forEach((how, n) -> facts.add("failed", n + " " + how));
    facts.add("last failure", text(live, "lastFailure"));
    @Nullable JsonObject waiting = object(live, "waiting");
    if (waiting != null) {
      facts.add(
          "waiting",
          waiting.get("reads") + " reads, the first since " + waiting.get("seconds") + " s");
    }
    live.getAsJsonArray("slowBecause").forEach(why -> facts.add("slow because", why.getAsString()));
    local(facts, live);
    JsonObject remote = live.getAsJsonObject("remote");
    facts.add(
        "from registries",
        Sizes.show(remote.get("bytes").getAsLong())
            + " in "
            + remote.get("reads")
            + " requests, median "
            + micros(remote, "medianMicros")
            + ", 99 % "
            + micros(remote, "p99Micros")
            + ", "
            + remote.get("failures")
            + " failed");
    @Nullable JsonObject replay = object(live, "replay");
    if (replay != null) {
      facts.add(
          "replay",
          text(replay, "state")
              + ", "
              + replay.get("requests")
              + " of "
              + replay.get("ranges")
              + " ranges, "
              + Sizes.show(replay.get("bytes").getAsLong())
              + ", "
              + replay.get("failed")
              + " failed");
    }
    @Nullable JsonObject download = object(live, "download");
    if (download != null) {
      facts.add(
          "download",
          text(download, "state")
              + ", "
              + Sizes.show(download.get("bytesDone").getAsLong())
              + " of "
              + Sizes.show(download.get("bytes").getAsLong())
              + " "
              + text(download, "problem"));
    }
    @Nullable JsonObject recording = object(live, "recording");
    if (recording != null) {
      facts.add(
          "recording", recording.get("records") + " records since " + text(recording, "since"));
    }
    for (JsonElement layer : live.getAsJsonArray("layers")) {
      JsonObject l = layer.getAsJsonObject();
      long blob = l.get("blobBytes").getAsLong();
      long local = l.get("localBytes").getAsLong();
      facts.add(
          "layer",
          text(l, "name")
              + "  "
              + Sizes.show(local)
              + " of "
              + Sizes.show(blob)
              + " on this machine");
    }
  }

  private static void local(Facts facts, JsonObject live) {
    @Nullable JsonObject local = object(live, "local");
    if (local == null) {
      return;
    }
    facts.add("on this machine", share(local));
    @Nullable JsonObject workingSet = object(local, "workingSet");
    if (workingSet != null) {
      facts.add("of the working set", share(workingSet));
    }
    facts.add("outage-safe", outageSafe(local, workingSet));
  }

  private static String share(JsonObject part) {
    return part.get("percent")
        + " %, "
        + Sizes.show(part.get("localBytes").getAsLong())
        + " of "
        + Sizes.show(part.get("bytes").getAsLong());
  }

  private static String outageSafe(JsonObject local, @Nullable JsonObject workingSet) {
    if (local.get("outageSafe").getAsBoolean()) {
      return "yes";
    }
    boolean recorded = workingSet != null && workingSet.get("percent").getAsInt() == 100;
    return (recorded ? "for what was recorded; " : "no: ")
        + Sizes.show(local.get("bytes").getAsLong() - local.get("localBytes").getAsLong())
        + " are in the registry only; 'obd fetch' brings them";
  }

  /** One device in a line of the daemon's status. */
  static String summary(JsonObject device) {
    @Nullable JsonObject live = object(device, "live");
    @Nullable JsonObject local = live == null ? null : object(live, "local");
    if (live == null || local == null) {
      return text(device, "id") + "  " + text(device, "state");
    }
    @Nullable JsonObject workingSet = object(local, "workingSet");
    var line = new StringBuilder(text(device, "id"));
    line.append("  ").append(local.get("percent")).append(" % on this machine");
    if (workingSet != null) {
      line.append(", ").append(workingSet.get("percent")).append(" % of the working set");
    }
    line.append(local.get("outageSafe").getAsBoolean() ? ", outage-safe" : "");
    live.getAsJsonArray("slowBecause")
        .forEach(why -> line.append("; slow: ").append(why.getAsString()));
    return line.toString();
  }

  private static String requests(JsonObject stats) {
    return stats.get("count")
        + ", "
        + Sizes.show(stats.get("bytes").getAsLong())
        + ", median "
        + micros(stats, "medianMicros")
        + ", 99 % "
        + micros(stats, "p99Micros")
        + ", longest "
        + micros(stats, "maxMicros");
  }

  private static String micros(JsonObject stats, String field) {
    long micros = stats.get(field).getAsLong();
    return micros < 10_000 ? micros + " µs" : micros / 1000 + " ms";
  }

  /** The daemon itself. */
  static void daemon(PrintWriter out, JsonObject status) {
    var facts = new Facts(out);
    facts
        .add("version", text(status, "version"))
        .add("process", text(status, "pid"))
        .add("up for", text(status, "uptimeSeconds") + " s")
        .add("home", text(status, "home"))
        .add("configuration", text(status, "config"))
        .add("log level", text(status, "logLevel"));
    status.getAsJsonArray("endpoints").forEach(e -> facts.add("listens", e.getAsString()));
    status
        .getAsJsonObject("devices")
        .asMap()
        .forEach((state, count) -> facts.add("devices", count + " " + state));
    status
        .getAsJsonArray("parked")
        .forEach(p -> {
          JsonObject one = p.getAsJsonObject();
          facts.add(text(one, "state"), text(one, "id") + ": " + text(one, "reason"));
        });
    status
        .getAsJsonArray("doors")
        .forEach(d -> {
          JsonObject one = d.getAsJsonObject();
          facts.add(
              "door " + text(one, "door"),
              one.get("available").getAsBoolean() ? "yes" : "no: " + text(one, "because"));
        });
    JsonObject cache = status.getAsJsonObject("cache");
    facts.add(
        "cache",
        Sizes.show(cache.get("usedBytes").getAsLong())
            + " of "
            + Sizes.show(cache.get("capacityBytes").getAsLong())
            + ", "
            + cache.get("hits")
            + " hits, "
            + cache.get("misses")
            + " misses, "
            + Sizes.show(cache.get("fetchedBytes").getAsLong())
            + " fetched");
    facts.add(
        "prefetched",
        Sizes.show(cache.get("prefetchedBytes").getAsLong())
            + ", of which "
            + Sizes.show(cache.get("prefetchedAndReadBytes").getAsLong())
            + " were read");
    status
        .getAsJsonArray("registryRequests")
        .forEach(r -> {
          JsonObject one = r.getAsJsonObject();
          facts.add(
              "registry",
              text(one, "host") + "  " + text(one, "requests") + " " + text(one, "result"));
        });
    status.getAsJsonArray("remarks").forEach(r -> facts.add("remark", r.getAsString()));
  }
}
