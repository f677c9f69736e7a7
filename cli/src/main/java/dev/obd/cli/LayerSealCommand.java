package dev.obd.cli;

import dev.obd.format.lsmt.LayerSealer;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd layer seal}. */
@Command(
    name = "seal",
    mixinStandardHelpOptions = true,
    description = {
      "Close a writable layer for good, in place: its index is appended to DATA, and nothing is copied.",
      "INDEX is of no use afterwards. If this fails the layer is writable as before. As overlaybd-commit --seal.",
      "",
      "Example:  obd layer seal rw.data rw.index && mv rw.data overlaybd.sealed"
    })
final class LayerSealCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "DATA", description = "The layer's data file.")
  private Path data;

  @Parameters(index = "1", paramLabel = "INDEX", description = "The layer's index file.")
  private Path index;

  @Override
  public Integer call() throws Exception {
    for (String warning : LayerSealer.seal(data, index)) {
      spec.commandLine().getErr().println("warning: " + warning);
    }
    spec.commandLine().getOut().println(data + ": sealed");
    return 0;
  }
}
