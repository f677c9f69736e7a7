package dev.obd.cli;

import dev.obd.backstore.store.LoadedImage;
import dev.obd.registry.ImageReference;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd pull}. */
@Command(
    name = "pull",
    mixinStandardHelpOptions = true,
    description = {
      "Bring an image into the local store: manifest, config and trace; with --data its layers, too.",
      "Without --data what is read of the layers is fetched when it is read.",
      "",
      "  obd pull registry.example/base:v1"
    })
final class PullCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(paramLabel = "REF", description = "The image's reference: registry/repository:tag.")
  private String reference;

  @Option(names = "--data", description = "Bring the layers, too: it can then be used offline.")
  private boolean data;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (reference.startsWith("oci:")) {
      throw new IllegalArgumentException(
          reference
              + " is on this machine: it can be used as it is; 'obd tag "
              + reference
              + " NAME' copies it into the local store");
    }
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open()) {
      LoadedImage image =
          session
              .images()
              .pull(ImageReference.parse(reference), data, terminal.progress("pulling"));
      NamedImage.of(image).print(spec.commandLine().getOut(), json);
    }
    return 0;
  }
}
