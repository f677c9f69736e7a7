package dev.obd.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code obd cache}. */
@Command(
    name = "cache",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "See, check, fill and empty the cache of remote blobs: the running daemon's, or that under OBD_HOME.",
      "",
      "Example:  obd cache ls",
      "          obd cache prune --older-than 30d"
    },
    subcommands = {
      CacheLsCommand.class,
      CacheDuCommand.class,
      CacheVerifyCommand.class,
      CachePruneCommand.class,
      CachePinCommand.class,
      CacheUnpinCommand.class,
      CacheImportCommand.class,
      CacheDisksCommand.class
    })
final class CacheCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is needed");
  }
}
