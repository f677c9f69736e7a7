package dev.obd.cli;

import dev.obd.cli.Holds.Hold;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.util.Optional;
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
    Holds holds;
    Optional<Hold> held;
    try (Session session = cache.session()) {
      holds = new Holds(session.home().holds());
      held = find(session, holds);
    }
    if (held.isEmpty()) {
      spec.commandLine().getErr().println("obd: " + name + ": is not held");
      return 1;
    }
    for (String layer : holds.own(held.get())) {
      cache.pin(layer, false);
    }
    holds.remove(held.get()); // last: what fails before can be done again
    spec.commandLine().getOut().println(name + ": let go");
    return 0;
  }

  /** The image that the name is of; or the one that it was of when it was held. */
  private Optional<Hold> find(Session session, Holds holds) throws IOException {
    Optional<Hold> then = holds.find(name);
    try {
      Digest now = Sources.image(session, name).image().descriptor().digest();
      return holds.find(now).or(() -> then);
    } catch (IOException e) {
      if (then.isEmpty()) {
        throw e;
      }
      return then;
    }
  }
}
