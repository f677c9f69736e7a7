package dev.obd.cli;

import dev.obd.backstore.image.WholeLayers;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.registry.ImageReference;
import dev.obd.registry.RegistryException;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd pull}. */
@Command(
    name = "pull",
    mixinStandardHelpOptions = true,
    description = {
      "Bring an image into the local store: manifest, config and trace; with --data its layers, too.",
      "Without --data what is read of the layers is fetched when it is read.",
      "With --data it can be stopped and killed at any time: the same command goes on where it ended.",
      "",
      "  obd pull registry.example/base:v1",
      "  obd pull --data registry.example/base:v1"
    })
final class PullCommand implements Callable<Integer> {
  private static final long FREE_RESERVE_BYTES = 1L << 30;

  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(paramLabel = "REF", description = "The image's reference: registry/repository:tag.")
  private String reference;

  @Option(names = "--data", description = "Bring the layers, too: it can then be used offline.")
  private boolean data;

  @Option(
      names = "--uncompressed",
      description = "Unpack it, too, for 'obd init': one raw disk, no compressed copy.")
  private boolean uncompressed;

  @Mixin private Fetching fetching;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (reference.startsWith("oci:")) {
      throw new IllegalArgumentException(
          reference
              + " is on this machine: it can be used as it is; 'obd tag "
              + reference
              + " NAME' copies it into the local store");
    }
    if (data && uncompressed) {
      throw new ParameterException(
          spec.commandLine(), "--uncompressed keeps no layers: give it or --data");
    }
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open()) {
      ImageReference name = ImageReference.parse(reference);
      LoadedImage image = session.images().pull(name, terminal.progress("pulling"));
      if (data) {
        bring(session, image, terminal);
        image = session.images().complete(name, terminal.progress("storing"));
      }
      if (uncompressed) {
        new RawDisks(session, fetching, terminal).of(image).close();
      }
      NamedImage.of(image).print(spec.commandLine().getOut(), json);
    }
    return 0;
  }

  private void bring(Session session, LoadedImage image, Terminal terminal)
      throws IOException, InterruptedException {
    try {
      fetching.run(
          session,
          new WholeLayers(session.opener())
              .inStore(image, session.images().layout(), FREE_RESERVE_BYTES),
          terminal);
    } catch (RegistryException e) {
      if (e.kind() != RegistryException.Kind.BAD_ANSWER) {
        throw e;
      }
      terminal.say(e.getMessage() + "; whole layers are copied instead");
    }
  }
}
