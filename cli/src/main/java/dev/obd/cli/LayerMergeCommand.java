package dev.obd.cli;

import dev.obd.backstore.build.LayerTools;
import dev.obd.backstore.build.OutputOptions;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.LayerOrigin;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.format.zfile.ZFileWriterOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd layer merge}. */
@Command(
    name = "merge",
    mixinStandardHelpOptions = true,
    customSynopsis = "obd layer merge [OPTIONS] SRC... OUT",
    description = {
      "Flatten a stack of layers into one layer that reads the same, as overlaybd-merge does.",
      "SRC is an image, an overlaybd config.v1.json (its writable layer included), or layer files, the lowest first.",
      "",
      "Example:  obd layer merge -z config.v1.json flat.obd",
      "          obd layer merge base.obd packages.obd flat.obd"
    })
final class LayerMergeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE",
      description = "What to flatten, and last the file to write.")
  private List<String> names = new ArrayList<>();

  @Option(
      names = {"-z", "--compress"},
      description = "Compress into a ZFile; without it the layer is plain.")
  private boolean compress;

  @Mixin private PackingOptions compression;
  @Mixin private OutputFile output;
  @Mixin private LayerIdentity identity;
  @Mixin private SessionOptions options;

  @Override
  public Integer call() throws Exception {
    if (names.size() < 2) {
      throw new ParameterException(spec.commandLine(), "expected SRC... OUT, got one name");
    }
    if (!compress && compression.given().isPresent()) {
      throw new ParameterException(
          spec.commandLine(), compression.given().get() + " needs -z: a plain layer has no blocks");
    }
    PrintWriter err = spec.commandLine().getErr();
    Path out = Path.of(names.getLast());
    try (Session session = options.open()) {
      Optional<ZFileWriterOptions> zfile =
          compress ? Optional.of(compression.zfile(session.executor())) : Optional.empty();
      var written = new OutputOptions(zfile, output.tar(), output.existing());
      ImagePlan plan = plan(session).withTrace(new TraceUse.None());
      try (Image image = session.opener().open(plan, OpenOptions.DEFAULTS.forOnePass())) {
        long bytes =
            LayerTools.merge(
                    image,
                    out,
                    identity.options(),
                    written,
                    Terminal.ofProcess(err).progress("merge"))
                .bytes();
        spec.commandLine().getOut().println(out + ": " + bytes + " bytes");
      }
    }
    return 0;
  }

  private ImagePlan plan(Session session) throws IOException {
    List<String> sources = names.subList(0, names.size() - 1);
    if (sources.size() == 1) {
      return session.plans().resolve(sources.getFirst()).plan();
    }
    List<LayerOrigin> layers = new ArrayList<>();
    for (String source : sources) {
      Path file = Path.of(source);
      if (!Files.isRegularFile(file)) {
        throw new NoSuchFileException(source);
      }
      layers.add(LayerOrigin.file(file));
    }
    return new ImagePlan("merge", layers, new TraceUse.None(), Optional.empty());
  }
}
