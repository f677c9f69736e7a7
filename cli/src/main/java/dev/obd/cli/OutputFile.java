package dev.obd.cli;

import dev.obd.io.PendingFile.Existing;
import picocli.CommandLine.Option;

/** How an output file is made. */
final class OutputFile {
  @Option(
      names = {"-t", "--tar"},
      description = "Wrap it in a tar, as layers of images are.")
  private boolean tar;

  @Option(
      names = {"-f", "--force"},
      description = "Replace a file that is there, once the new one is whole.")
  private boolean force;

  boolean tar() {
    return tar;
  }

  Existing existing() {
    return force ? Existing.REPLACE : Existing.KEEP;
  }
}
