package dev.obd.cli;

import dev.obd.cli.control.DaemonClient;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd log-level}. */
@Command(
    name = "log-level",
    mixinStandardHelpOptions = true,
    description = {
      "Tell how much the daemon logs, or change it while it runs.",
      "",
      "Example:  obd log-level debug"
    })
final class LogLevelCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ControlOptions control;

  @Parameters(
      paramLabel = "LEVEL",
      arity = "0..1",
      description = "debug, info, warn or error; none to be told.")
  private @Nullable Level level;

  private enum Level {
    DEBUG,
    INFO,
    WARN,
    ERROR
  }

  @Override
  public Integer call() throws IOException {
    try (DaemonClient client = control.client()) {
      var now =
          level == null
              ? client.get("/v1/log-level")
              : client.send(
                  "PUT", "/v1/log-level", Map.of("level", level.name().toLowerCase(Locale.ROOT)));
      spec.commandLine().getOut().println(DeviceNames.text(now, "level"));
    }
    return 0;
  }
}
