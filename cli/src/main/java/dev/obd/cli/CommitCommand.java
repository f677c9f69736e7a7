package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder;
import dev.obd.backstore.build.ImageBuilder.Built;
import dev.obd.backstore.build.ImageBuilder.Changes;
import dev.obd.backstore.image.ImagePlan.UpperFiles;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.image.UpperBase;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.store.ImageStore;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.trace.TraceFile;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd commit}. */
@Command(
    name = "commit",
    mixinStandardHelpOptions = true,
    description = {
      "Make a new image of what was written over an image, of a recorded trace, or of both.",
      "",
      "--upper makes a layer of a writable layer (of 'obd serve --rw', which must have ended) and puts it on SRC; the writable layer stays as it is. The trace of SRC is left out: it tells of SRC.",
      "--trace puts a recorded trace on SRC, and is refused if SRC has one, unless --replace is given. --runs does so with what several runs read ('obd record --runs', 'obd trace merge'): it keeps apart which program read what and when.",
      "With --upper, too, the trace goes on top of the new layer. It tells of the layers below that, where it stays true.",
      "",
      "  obd commit --upper work app:v1 app:v2 -m 'configuration'",
      "  obd commit --trace app.trace app:v1 app:v1-traced",
      "  obd commit --runs app.runs app:v1 app:v1-traced"
    })
final class CommitCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Mixin private PackingOptions packing;

  @Mixin private PolicyOptions policy;

  @Parameters(index = "0", paramLabel = "SRC", description = "The image below.")
  private String source;

  @Parameters(
      index = "1",
      paramLabel = "DST",
      description = "The new image: oci:DIR[:tag], or its name in the local store.")
  private String destination;

  @Option(
      names = "--upper",
      paramLabel = "DIR",
      description = "A writable layer: a directory with writable_data and writable_index.")
  private @Nullable Path upper;

  @Option(names = "--trace", paramLabel = "FILE", description = "A recorded trace.")
  private @Nullable Path trace;

  @Option(names = "--runs", paramLabel = "FILE", description = "What several runs read.")
  private @Nullable Path runs;

  @Option(names = "--replace", description = "Replace the trace that SRC has.")
  private boolean replace;

  @Option(
      names = {"-m", "--message"},
      paramLabel = "TEXT",
      description = "Goes into the layer and the image's history; at most 256 bytes.")
  private String message = "";

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (upper == null && trace == null && runs == null) {
      throw new ParameterException(
          spec.commandLine(),
          "commit what? Give --upper DIR, --trace FILE, --runs FILE or several of them");
    }
    if (policy.any() && upper == null) {
      throw new ParameterException(
          spec.commandLine(), "--prefetch-policy is of a new layer: it needs --upper DIR");
    }
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open()) {
      ImageStore.Target target = session.images().target(destination);
      ImagePlans.Source.Stored stored = Sources.image(session, source);
      var recorded =
          new Recordings(
              trace == null ? Optional.empty() : Optional.of(TraceFile.read(trace)),
              runs == null ? Runs.NONE : RunsFile.read(runs),
              Optional.empty());
      Built built;
      if (upper == null) {
        built = commit(session, stored, Optional.empty(), recorded, target, terminal);
      } else {
        UpperBase.require(upper, stored.plan());
        try (WritableLayer layer = open(upper, terminal)) {
          built = commit(session, stored, Optional.of(layer), recorded, target, terminal);
        }
      }
      if (built.traceRemoved()) {
        terminal.say(
            "the trace of "
                + source
                + (!recorded.isEmpty() ? " gave way to the new one" : " is left out"));
      }
      BuiltImage.of(built).print(spec.commandLine().getOut(), json);
    }
    return 0;
  }

  private Built commit(
      Session session,
      ImagePlans.Source.Stored stored,
      Optional<WritableLayer> layer,
      Recordings recorded,
      ImageStore.Target target,
      Terminal terminal)
      throws IOException {
    ImageBuilder builder =
        session
            .builder()
            .withSaving(terminal.progress("saving"))
            .withNotes(policy.notes(session, Optional.of(stored.plan()), terminal));
    return builder.commit(
        stored.image(),
        new Changes(layer, recorded.trace(), recorded.runs(), replace, message),
        target,
        packing.options(session.executor()),
        "obd commit",
        Instant.now());
  }

  /** The lock that this takes keeps a server away from it meanwhile, and fails while one runs. */
  private static WritableLayer open(Path directory, Terminal terminal) throws IOException {
    UpperFiles files = UpperFiles.in(directory);
    if (!Files.exists(files.data())) {
      throw new NoSuchFileException(files.data().toString());
    }
    WritableLayer layer = WritableLayer.open(files.data(), files.index());
    layer.warnings().forEach(warning -> terminal.say("obd: " + directory + ": " + warning));
    if (layer.virtualSize() == 0) {
      layer.close();
      throw new IOException(directory + ": was never served, so nothing was written to it");
    }
    return layer;
  }
}
