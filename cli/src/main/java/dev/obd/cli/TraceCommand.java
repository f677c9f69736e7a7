package dev.obd.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code obd trace}. */
@Command(
    name = "trace",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "Look at traces, which say what was read while an image was recorded, bring several together, and say what became of them when an image was started.",
      "",
      "Example:  obd trace show oci:images:app-fast",
      "          obd trace merge monday.runs tuesday.runs --out app.runs",
      "          obd trace hot app:v1-traced app:v1-hot",
      "          obd trace carry app:v1-traced app:v2 app:v2-traced"
    },
    subcommands = {
      TraceShowCommand.class,
      TraceMergeCommand.class,
      TraceHotCommand.class,
      TraceCarryCommand.class,
      TracePushCommand.class,
      TracePullCommand.class,
      TraceExplainCommand.class,
      TraceDiffCommand.class
    })
final class TraceCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is needed");
  }
}
