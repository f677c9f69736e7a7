package dev.obd.cli;

import dev.obd.backstore.inspect.LayerInspector;
import dev.obd.backstore.inspect.LayerReport;
import dev.obd.io.FileSource;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd layer info}. */
@Command(
    name = "info",
    mixinStandardHelpOptions = true,
    description = {
      "Say everything about a layer file: wrapper, compression, header and trailer, what it maps.",
      "Exits 1 if it is damaged, and says where.",
      "",
      "Example:  obd layer info --json layer.obd | jq .lsmt.virtualSize"
    })
final class LayerInfoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "A layer file, or a file of a writable layer.")
  private Path file;

  @Option(
      names = "--verify",
      description = "Read every block; without it only headers, jump table and index are checked.")
  private boolean verify;

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    try (FileSource blob = FileSource.open(file)) {
      LayerReport report =
          LayerInspector.inspect(
              blob, verify, Terminal.ofProcess(spec.commandLine().getErr()).progress("verify"));
      return new LayerText(spec.commandLine()).print(report, json);
    }
  }
}
