package dev.obd.cli;

import dev.obd.backstore.prefetch.LocalRuns;
import dev.obd.backstore.prefetch.RunsArtifact;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.registry.Repository;
import dev.obd.trace.runs.Runs;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd trace push}. */
@Command(
    name = "push",
    mixinStandardHelpOptions = true,
    description = {
      "Put runs beside an image in its registry, where 'obd trace pull' on other machines finds them. The image stays as it is.",
      "They are an artifact that refers to the image's manifest, in registries that know nothing of that under a tag made of its digest. What is there stays, and is pushed again with the new ones.",
      "",
      "Example:  obd record --time auto --local registry.example/app:v1 -- ./start-it",
      "          obd trace push registry.example/app:v1",
      "          obd trace push --runs app.runs registry.example/app:v1"
    })
final class TracePushCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(paramLabel = "IMAGE", description = "An image of a registry.")
  private String name;

  @Option(
      names = "--runs",
      paramLabel = "FILE",
      description =
          "Runs ('obd record --runs', 'obd trace merge'; default: those recorded here with --local).")
  private @Nullable Path file;

  @Override
  public Integer call() throws IOException {
    try (Session session = options.open()) {
      LoadedImage image = Sources.image(session, name).image();
      Runs runs =
          file == null
              ? new LocalRuns(session.home().traces()).of(image.descriptor().digest())
              : RunsFile.read(file);
      if (runs.isEmpty()) {
        throw new IOException(
            name + ": no runs to push; 'obd record --local' records some, or give --runs FILE");
      }
      Repository repository = session.images().registryOf(image);
      RunsText.print(
          spec.commandLine().getOut(), RunsArtifact.push(repository, image.descriptor(), runs));
    }
    return 0;
  }
}
