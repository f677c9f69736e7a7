package dev.obd.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code obd layer}: what overlaybd's own tools do with single layers. */
@Command(
    name = "layer",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "Make, convert and look at single layers, as overlaybd-create, -commit, -merge and -zfile do.",
      "",
      "Example:  obd layer create --size 10G rw.data rw.index",
      "          obd layer commit -z -t rw.data rw.index layer.obd",
      "          obd layer info layer.obd"
    },
    subcommands = {
      LayerCreateCommand.class,
      LayerCommitCommand.class,
      LayerSealCommand.class,
      LayerMergeCommand.class,
      LayerZFileCommand.class,
      LayerInfoCommand.class
    })
final class LayerCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is needed");
  }
}
