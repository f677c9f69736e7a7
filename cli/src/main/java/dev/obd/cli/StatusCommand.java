package dev.obd.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.obd.cli.control.DaemonClient;
import dev.obd.cli.control.DaemonException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd status}. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = {
      "Tell how the daemon is, which ways to a device this machine has, and what is wrong; or all about one device.",
      "For each device: how much of its image is on this machine, how much of what its trace says will be read, whether it can do without the registry, and why it is slow if it is.",
      "Exits 1 if a device is not served that should be.",
      "",
      "Example:  obd status",
      "          obd status /mnt --json"
    })
final class StatusCommand implements Callable<Integer> {
  private static final int MOST_DEVICES = 20;

  @Spec private CommandSpec spec;

  @Mixin private ControlOptions control;

  @Parameters(
      paramLabel = "NAME",
      arity = "0..1",
      description = "A device: its name, its node, or where it is mounted.")
  private @Nullable String name;

  @Option(names = "--json", description = "Print it as JSON.")
  private boolean json;

  /** All about the open devices, one after another: each is looked at on disk. */
  private static List<JsonObject> devices(DaemonClient client) throws IOException {
    List<JsonObject> all = new ArrayList<>();
    for (JsonElement one : client.get("/v1/devices").getAsJsonArray("devices")) {
      JsonObject device = one.getAsJsonObject();
      if (device.has("live") && all.size() < MOST_DEVICES) {
        try {
          all.add(client.get(DaemonClient.path("/v1/devices/", DeviceNames.text(device, "id"))));
        } catch (DaemonException e) {
          // detached meanwhile
        }
      }
    }
    return all;
  }

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    try (DaemonClient client = control.client()) {
      if (name == null) {
        JsonObject status = client.get("/v1/status");
        if (json) {
          Json.print(out, status);
        } else {
          DeviceText.daemon(out, status);
          devices(client).forEach(device -> out.println(DeviceText.summary(device)));
        }
        return status.getAsJsonArray("parked").isEmpty() ? 0 : 1;
      }
      JsonObject device =
          client.get(DaemonClient.path("/v1/devices/", DeviceNames.find(client, name)));
      if (json) {
        Json.print(out, device);
      } else {
        DeviceText.device(out, device);
      }
      return DeviceNames.text(device, "reason").isEmpty() ? 0 : 1;
    }
  }
}
