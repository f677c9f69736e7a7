package dev.obd.cli;

import dev.obd.backstore.store.LoadedImage;
import dev.obd.registry.ImageReference;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd push}. */
@Command(
    name = "push",
    mixinStandardHelpOptions = true,
    description = {
      "Upload an image of this machine to a registry. What the registry has already is not sent.",
      "",
      "  obd push registry.example/base:v2",
      "  obd push oci:/tmp/images:v2 registry.example/base:v2"
    })
final class PushCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(
      index = "0",
      paramLabel = "NAME",
      description = "An image of the local store, or oci:DIR[:tag].")
  private String name;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "DEST",
      description = "Where to: registry/repository:tag (default: NAME).")
  private @Nullable String destination;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    String where = destination == null ? name : destination;
    if (where.startsWith("oci:")) {
      throw new IllegalArgumentException(
          destination == null
              ? "where to? Give a reference: obd push " + name + " registry/repository:tag"
              : where + " is no registry; 'obd tag' copies images on this machine");
    }
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open()) {
      ImageReference reference = ImageReference.parse(where);
      LoadedImage image = session.images().local(name);
      session.images().push(image, reference, terminal.progress("pushing"));
      NamedImage.of(reference.toString(), image).print(spec.commandLine().getOut(), json);
    }
    return 0;
  }
}
