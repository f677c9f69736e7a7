package dev.obd.cli;

import dev.obd.backstore.prefetch.LocalRuns;
import dev.obd.backstore.prefetch.RunsArtifact;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.registry.Digest;
import dev.obd.trace.runs.Runs;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd trace pull}. */
@Command(
    name = "pull",
    mixinStandardHelpOptions = true,
    description = {
      "Bring the runs here that lie beside an image in its registry ('obd trace push'): where the image is attached next, they are used with those that it brings along.",
      "Exits 1 if there are none.",
      "",
      "Example:  obd trace pull registry.example/app:v1",
      "          obd trace show registry.example/app:v1"
    })
final class TracePullCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(paramLabel = "IMAGE", description = "An image of a registry.")
  private String name;

  @Override
  public Integer call() throws IOException {
    try (Session session = options.open()) {
      LoadedImage image = Sources.image(session, name).image();
      Digest digest = image.descriptor().digest();
      Runs found = RunsArtifact.pull(session.images().registryOf(image), digest);
      if (found.isEmpty()) {
        spec.commandLine().getErr().println("obd: " + name + ": no runs beside it");
        return 1;
      }
      RunsText.print(
          spec.commandLine().getOut(), new LocalRuns(session.home().traces()).add(digest, found));
    }
    return 0;
  }
}
