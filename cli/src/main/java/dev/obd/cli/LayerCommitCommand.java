package dev.obd.cli;

import dev.obd.backstore.build.LayerTools;
import dev.obd.backstore.build.OutputOptions;
import dev.obd.format.zfile.ZFileWriterOptions;
import dev.obd.registry.Progress;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd layer commit}. */
@Command(
    name = "commit",
    mixinStandardHelpOptions = true,
    customSynopsis = {
      "obd layer commit [OPTIONS] DATA INDEX OUT",
      "       obd layer commit --sealed [OPTIONS] SEALED OUT"
    },
    description = {
      "Compact a writable layer, or a sealed one, into a new layer file, as overlaybd-commit does.",
      "Blocks that were overwritten are left behind; the input keeps what it holds.",
      "",
      "Example:  obd layer commit -z -t -m 'packages' rw.data rw.index layer.obd"
    })
final class LayerCommitCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE",
      description = "DATA INDEX OUT, or with --sealed SEALED OUT.")
  private List<Path> files = new ArrayList<>();

  @Option(names = "--sealed", description = "The input is one sealed or committed layer file.")
  private boolean sealed;

  @Option(
      names = {"-z", "--compress"},
      description = "Compress into a ZFile; without it the layer is plain.")
  private boolean compress;

  @Mixin private PackingOptions compression;
  @Mixin private OutputFile output;
  @Mixin private LayerIdentity identity;

  @Override
  public Integer call() throws Exception {
    List<String> wanted = sealed ? List.of("SEALED", "OUT") : List.of("DATA", "INDEX", "OUT");
    if (files.size() != wanted.size()) {
      throw new ParameterException(
          spec.commandLine(),
          "expected " + String.join(" ", wanted) + ", got " + files.size() + " names");
    }
    if (!compress && compression.given().isPresent()) {
      throw new ParameterException(
          spec.commandLine(), compression.given().get() + " needs -z: a plain layer has no blocks");
    }
    PrintWriter err = spec.commandLine().getErr();
    Path out = files.getLast();
    Progress progress = Terminal.ofProcess(err).progress("commit");
    try (ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor()) {
      // Only this tool of overlaybd's overwrites the header with what the trailer says.
      Optional<ZFileWriterOptions> zfile =
          compress
              ? Optional.of(compression.zfile(workers).withOverwriteHeader(true))
              : Optional.empty();
      var options = new OutputOptions(zfile, output.tar(), output.existing());
      LayerTools.Written written =
          sealed
              ? LayerTools.commitSealed(
                  files.getFirst(), out, identity.options(), options, progress)
              : LayerTools.commit(
                  files.get(0), files.get(1), out, identity.options(), options, progress);
      written.warnings().forEach(warning -> err.println("warning: " + warning));
      spec.commandLine().getOut().println(out + ": " + written.bytes() + " bytes");
    }
    return 0;
  }
}
