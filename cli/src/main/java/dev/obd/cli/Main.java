package dev.obd.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The obd command. */
@Command(
    name = "obd",
    mixinStandardHelpOptions = true,
    version = "obd 0.1.0",
    description = "Block devices from layered images in a registry, fetched as they are read.")
public final class Main implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  private Main() {}

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  /** Runs one command. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }
}
