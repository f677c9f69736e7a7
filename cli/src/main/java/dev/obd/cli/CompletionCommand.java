package dev.obd.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code obd completion}. */
@Command(
    name = "completion",
    aliases = "generate-completion",
    mixinStandardHelpOptions = true,
    description = {
      "Print a script that completes obd's commands and options with the TAB key, for bash and zsh.",
      "",
      "Example, for this shell (bash or zsh):   source <(obd completion)",
      "         for every bash from now on:     obd completion > ~/.local/share/bash-completion/completions/obd",
      "         for every zsh from now on:      echo 'source <(obd completion)' >> ~/.zshrc"
    })
final class CompletionCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    spec.commandLine().getOut().print(AutoComplete.bash("obd", spec.root().commandLine()));
  }
}
