package dev.obd.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.obd.backstore.config.Home;
import dev.obd.cli.control.DaemonClient;
import dev.obd.cli.control.NoDaemonException;
import dev.obd.cli.control.OnDemand;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd detach}. */
@Command(
    name = "detach",
    mixinStandardHelpOptions = true,
    description = {
      "Take away what 'obd attach' made: unmount it, remove the device, write what is to be written.",
      "A device that somebody uses stays, and who that is is told. What a daemon that died has left behind goes with --stale.",
      "",
      "Example:  obd detach /mnt",
      "          obd detach work --force",
      "          obd detach --stale"
    })
final class DetachCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ControlOptions control;

  @Parameters(
      paramLabel = "NAME|NODE|DIR",
      arity = "0..*",
      description = "The device's name, its device node, or where it is mounted.")
  private List<String> devices = new ArrayList<>();

  @Option(names = "--force", description = "Even if somebody uses it: they get I/O errors.")
  private boolean force;

  @Option(names = "--stale", description = "Remove what is left of devices nobody serves.")
  private boolean stale;

  @Option(names = "--json", description = "Print what was done as JSON.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (devices.isEmpty() && !stale) {
      throw new ParameterException(
          spec.commandLine(), "what? Give a name, a device node or a directory, or --stale");
    }
    var done = new JsonObject();
    try (DaemonClient client = control.client()) {
      if (!devices.isEmpty()) {
        done.add("detached", detach(client));
      }
      if (stale) {
        JsonObject left = clear(client);
        done.add("cleared", left.get("cleared"));
        done.add("failed", left.get("failed"));
      }
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, done);
    } else {
      done.asMap()
          .forEach((what, which) -> {
            for (JsonElement one : which.getAsJsonArray()) {
              out.println(what + "  " + one.getAsString());
            }
          });
    }
    return done.has("failed") && !done.getAsJsonArray("failed").isEmpty() ? 1 : 0;
  }

  private JsonArray detach(DaemonClient client) throws IOException {
    var detached = new JsonArray();
    for (String device : devices) {
      String id = DeviceNames.find(client, device);
      client.send(
          "DELETE", DaemonClient.path("/v1/devices/", id) + (force ? "?force=true" : ""), null);
      detached.add(id);
    }
    return detached;
  }

  /** What is left of a daemon is cleared by a daemon: it has the home to itself. */
  private JsonObject clear(DaemonClient client) throws IOException, InterruptedException {
    try {
      return client.send("POST", "/v1/stale", null);
    } catch (NoDaemonException e) {
      if (!control.isDefault()) {
        throw e;
      }
      OnDemand.start(client, Home.ofProcess().root());
      return client.send("POST", "/v1/stale", null);
    }
  }
}
