package dev.obd.cli;

import dev.obd.registry.ImageReference;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd rm}. */
@Command(
    name = "rm",
    mixinStandardHelpOptions = true,
    description = {
      "Remove images from the local store, and the blobs that no other image needs.",
      "Blobs of the last hour stay until a later 'obd rm': they may belong to an image that is being made.",
      "",
      "  obd rm registry.example/base:v1"
    })
final class RmCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(arity = "1..*", paramLabel = "NAME", description = "Images of the local store.")
  private List<String> names;

  @Override
  public Integer call() throws IOException {
    List<ImageReference> references = names.stream().map(RmCommand::reference).toList();
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    boolean all = true;
    try (Session session = options.open()) {
      for (ImageReference reference : references) {
        Optional<Long> freed = session.images().remove(reference);
        if (freed.isPresent()) {
          terminal.say("removed " + reference + ", freed " + Sizes.show(freed.get()));
        } else {
          all = false;
          terminal.say("obd: " + reference + ": no such image in the local store");
        }
      }
    }
    return all ? 0 : 1;
  }

  private static ImageReference reference(String name) {
    if (name.startsWith("oci:")) {
      throw new IllegalArgumentException(
          name + ": only images of the local store are removed here; a layout is a directory");
    }
    return ImageReference.parse(name);
  }
}
