package dev.obd.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.obd.cli.control.DaemonClient;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Finds the device that a user means. */
final class DeviceNames {
  private DeviceNames() {}

  /** The id of the device with this id, node, mount point or, if only one has it, source. */
  static String find(DaemonClient client, String what) throws IOException {
    JsonObject all = client.get("/v1/devices");
    @Nullable String path = path(what);
    for (String field : new String[] {"id", "node", "mount", "devId", "source"}) {
      var ids =
          all.getAsJsonArray("devices").asList().stream()
              .map(JsonElement::getAsJsonObject)
              .filter(device ->
                  Stream.of(what, path)
                      .filter(Objects::nonNull)
                      .anyMatch(name -> name.equals(text(device, field))))
              .map(device -> text(device, "id"))
              .toList();
      if (ids.size() > 1) {
        throw new IOException(what + ": is the " + field + " of several devices: " + ids);
      }
      if (ids.size() == 1) {
        return ids.getFirst();
      }
    }
    throw new IOException(what + ": no such device; 'obd ps' shows what there is");
  }

  private static @Nullable String path(String what) {
    try {
      return Path.of(what).toAbsolutePath().normalize().toString();
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /** A field's text; empty if it is not there. */
  static String text(JsonObject object, String field) {
    JsonElement value = object.get(field);
    return value == null || value.isJsonNull() ? "" : value.getAsString();
  }
}
