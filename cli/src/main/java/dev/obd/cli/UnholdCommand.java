package dev.obd.cli;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd unhold}. */
@Command(
    name = "unhold",
    mixinStandardHelpOptions = true,
    description = {
      "Let go of an image that 'obd hold' keeps: the cache may forget it when it is full.",
      "Layers that another held image has, too, stay pinned.",
      "",
      "Example:  obd unhold registry.example/app:v1-traced"
    })
final class UnholdCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CacheDoor cache;

  @Parameters(paramLabel = "IMAGE", description = "An image that is held.")
  private String name;

  @Override
  public Integer call() throws IOException {
    List<String> layers;
    Set<String> others;
    try (Session session = cache.session()) {
      var image = Sources.image(session, name);
      var holds = new Holds(session.home().holds());
      if (!holds.remove(image.image().descriptor().digest())) {
        spec.commandLine().getErr().println("obd: " + name + ": is not held");
        return 1;
      }
      layers = HoldCommand.remote(image.plan());
      others = holds.layers();
    }
    for (String layer : layers) {
      if (!others.contains(layer)) {
        cache.pin(layer, false);
      }
    }
    spec.commandLine().getOut().println(name + ": let go");
    return 0;
  }
}
