package dev.obd.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.obd.cli.control.DaemonClient;
import dev.obd.cli.control.NoDaemonException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code obd ps}. */
@Command(
    name = "ps",
    mixinStandardHelpOptions = true,
    description = {
      "List the devices that the daemon serves, or would if it could.",
      "",
      "Example:  obd ps --json | jq -r '.devices[].node'"
    })
final class PsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ControlOptions control;

  @Option(names = "--json", description = "Print the list as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    var nothing = new JsonObject();
    nothing.add("devices", new JsonArray());
    JsonObject listing;
    try (DaemonClient client = control.client()) {
      listing = client.get("/v1/devices");
    } catch (NoDaemonException e) {
      if (!control.isDefault()) {
        throw e;
      }
      listing = nothing; // no daemon, no devices
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, listing);
    } else {
      DeviceText.list(
          out,
          listing.getAsJsonArray("devices").asList().stream()
              .map(JsonElement::getAsJsonObject)
              .toList());
    }
    return 0;
  }
}
