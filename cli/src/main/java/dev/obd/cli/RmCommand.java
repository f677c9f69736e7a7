package dev.obd.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
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
      "Remove images from the local store, and the blobs that no other image needs, there and in the cache.",
      "Blobs of the last hour stay until a later 'obd rm': they may belong to an image that is being made.",
      "",
      "  obd rm registry.example/base:v1"
    })
final class RmCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CacheDoor cache;

  @Parameters(arity = "1..*", paramLabel = "NAME", description = "Images of the local store.")
  private List<String> names;

  @Override
  public Integer call() throws IOException {
    List<ImageReference> references = names.stream().map(RmCommand::reference).toList();
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    boolean all = true;
    var layers = new JsonArray();
    try (Session session = cache.session()) {
      for (ImageReference reference : references) {
        layersOf(session, reference).forEach(layers::add);
        Optional<Long> freed = session.images().remove(reference);
        if (freed.isPresent()) {
          terminal.say("removed " + reference + ", freed " + Sizes.show(freed.get()));
        } else {
          all = false;
          terminal.say("obd: " + reference + ": no such image in the local store");
        }
      }
    }
    if (!layers.isEmpty()) {
      forget(layers, terminal);
    }
    return all ? 0 : 1;
  }

  private static List<String> layersOf(Session session, ImageReference reference) {
    try {
      return session.images().find(reference).stream()
          .flatMap(image -> image.manifest().layers().stream())
          .map(layer -> layer.digest().value())
          .toList();
    } catch (IOException e) {
      return List.of(); // a damaged image goes, and what it cached is left to 'obd cache prune'
    }
  }

  /** What no image and no device needs any more, and nobody has open. */
  private void forget(JsonArray layers, Terminal terminal) throws IOException {
    var conditions = new JsonObject();
    conditions.add("digests", layers);
    try {
      long freed = cache.prune(conditions).get("freedBytes").getAsLong();
      if (freed > 0) {
        terminal.say("freed " + Sizes.show(freed) + " of the cache");
      }
    } catch (IOException e) {
      terminal.say("obd: the cache keeps what it has: " + Main.explain(e));
    }
  }

  private static ImageReference reference(String name) {
    if (name.startsWith("oci:")) {
      throw new IllegalArgumentException(
          name + ": only images of the local store are removed here; a layout is a directory");
    }
    return ImageReference.parse(name);
  }
}
