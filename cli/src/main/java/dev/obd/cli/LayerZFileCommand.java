package dev.obd.cli;

import dev.obd.backstore.build.LayerTools;
import dev.obd.backstore.build.OutputOptions;
import dev.obd.format.tar.TarOffset;
import dev.obd.format.zfile.ZFile;
import dev.obd.io.FileSource;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd layer zfile}. */
@Command(
    name = "zfile",
    mixinStandardHelpOptions = true,
    customSynopsis = {
      "obd layer zfile [OPTIONS] SRC DST",
      "       obd layer zfile --extract [-f] SRC DST",
      "       obd layer zfile --verify SRC"
    },
    description = {
      "Compress a file into a ZFile, extract one, or check every block of one, as overlaybd-zfile does.",
      "A ZFile in a tar is extracted and checked as well.",
      "",
      "Example:  obd layer zfile --algorithm zstd --block-size 16K layer.lsmt layer.obd",
      "          obd layer zfile --verify layer.obd"
    })
final class LayerZFileCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "SRC", description = "What to read; - is standard input.")
  private String source;

  @Parameters(index = "1", arity = "0..1", paramLabel = "DST", description = "The file to write.")
  private @Nullable Path destination;

  @Option(
      names = {"-x", "--extract"},
      description = "Write the content of the ZFile SRC.")
  private boolean extract;

  @Option(names = "--verify", description = "Check every block of the ZFile SRC; writes nothing.")
  private boolean verify;

  @Option(
      names = {"-z", "--compress"},
      description = "Compress; the default.")
  private boolean compress;

  @Mixin private PackingOptions compression;
  @Mixin private OutputFile output;

  @Override
  public Integer call() throws Exception {
    check();
    if (verify) {
      return verify(Path.of(source));
    }
    if (destination == null) {
      throw wrong("expected SRC DST, got one name");
    }
    PrintWriter err = spec.commandLine().getErr();
    Terminal terminal = Terminal.ofProcess(err);
    LayerTools.Written written;
    if (extract) {
      var options = new OutputOptions(Optional.empty(), false, output.existing());
      written =
          LayerTools.extract(Path.of(source), destination, options, terminal.progress("extract"));
    } else {
      try (ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor()) {
        var options =
            new OutputOptions(
                Optional.of(compression.zfile(workers)), output.tar(), output.existing());
        written = compress(destination, options, terminal.progress("compress"));
      }
    }
    spec.commandLine().getOut().println(destination + ": " + written.bytes() + " bytes");
    return 0;
  }

  private void check() {
    if ((extract ? 1 : 0) + (verify ? 1 : 0) + (compress ? 1 : 0) > 1) {
      throw wrong("one of --compress, --extract and --verify");
    }
    if ((extract || verify) && (compression.given().isPresent() || output.tar())) {
      throw wrong(
          compression.given().orElse("--tar") + " says how to compress, and nothing is compressed");
    }
    if (verify && destination != null) {
      throw wrong("--verify writes nothing: expected SRC alone");
    }
    if ((extract || verify) && source.equals("-")) {
      throw wrong("a ZFile is read from its end: standard input will not do");
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private LayerTools.Written compress(Path out, OutputOptions options, Progress progress)
      throws IOException {
    return source.equals("-")
        ? LayerTools.write(System.in, 0, out, options, progress)
        : LayerTools.write(Path.of(source), out, options, progress);
  }

  private int verify(Path file) throws IOException {
    try (FileSource blob = FileSource.open(file)) {
      ZFile content = ZFile.open(TarOffset.unwrap(blob));
      LayerTools.verify(
          content, Terminal.ofProcess(spec.commandLine().getErr()).progress("verify"));
      spec.commandLine()
          .getOut()
          .println(
              file
                  + ": sound, "
                  + content.header().indexCount()
                  + " blocks, "
                  + content.size()
                  + " bytes");
      if (!content.header().verify()) {
        spec.commandLine()
            .getErr()
            .println("warning: its blocks have no checksums; they could be decompressed");
      }
    }
    return 0;
  }
}
