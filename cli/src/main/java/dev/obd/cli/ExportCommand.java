package dev.obd.cli;

import dev.obd.backstore.build.RawExport;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.registry.Progress;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd export}. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description = {
      "Write the bytes of a disk: to a file with holes where the disk has none, or to standard output.",
      "A file that is there is replaced once the new one is whole; a device or pipe is written to.",
      "Every block is read once, so nothing is replayed, and the cache keeps what it has and gets nothing new.",
      "",
      "Example:  obd export oci:images:app -o disk.raw",
      "          obd export config.v1.json | sha256sum"
    })
final class ExportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(
      paramLabel = "SRC",
      description = "An image, an overlaybd config.v1.json or a layer file.")
  private String source;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = "Where to write (default: standard output, if that is no terminal).")
  private @Nullable Path output;

  @Option(
      names = "--no-replay",
      description = "Leave the image's trace alone, as export always does.")
  @SuppressWarnings("UnusedVariable") // taken for scripts that give it to every command
  private boolean noReplay;

  @Override
  public Integer call() throws Exception {
    if (output == null && Terminal.isOutputTerminal()) {
      throw new ParameterException(
          spec.commandLine(), "a disk is not for a terminal: give -o FILE or a pipe");
    }
    Progress progress = Terminal.ofProcess(spec.commandLine().getErr()).progress("export");
    try (Session session = options.open()) {
      ImagePlan plan = session.plans().resolve(source).plan().withTrace(new TraceUse.None());
      try (Image image = session.opener().open(plan, OpenOptions.DEFAULTS.forOnePass())) {
        if (output == null) {
          toStream(image, new FileOutputStream(FileDescriptor.out), progress);
        } else if (Files.exists(output) && !Files.isRegularFile(output)) {
          try (OutputStream out = new FileOutputStream(output.toFile())) {
            toStream(image, out, progress);
          }
        } else {
          RawExport.toFile(image, output, session.executor(), progress);
        }
      }
    }
    return 0;
  }

  private static void toStream(Image image, OutputStream out, Progress progress)
      throws IOException {
    RawExport.toStream(image, out, progress);
  }
}
