package dev.obd.cli;

import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlans.Source;
import dev.obd.backstore.image.Locality.Part;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.prefetch.ReplayStats;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd hold}. */
@Command(
    name = "hold",
    mixinStandardHelpOptions = true,
    description = {
      "Bring what is recorded of an image here and keep it, so that what was recorded runs without a registry.",
      "The image is named in the local store, its layers are pinned in the cache ('obd cache pin'), and all that its trace, its runs and those recorded here say will be read is fetched. What was never recorded still needs the registry: 'obd fetch' brings the whole image.",
      "It can be stopped and killed at any time: the same command goes on where it ended. Holds until 'obd unhold'.",
      "",
      "Example:  obd hold registry.example/app:v1-traced",
      "and then  obd attach registry.example/app:v1-traced --mount /mnt     (with or without the registry)"
    })
final class HoldCommand implements Callable<Integer> {
  private static final Duration LOOK = Duration.ofMillis(100);

  @Spec private CommandSpec spec;

  @Mixin private CacheDoor cache;

  @Parameters(paramLabel = "IMAGE", description = "An image that something is recorded of.")
  private String name;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  /** What {@code --json} prints. */
  private record Held(String name, int layers, long bytes, long fetchedBytes, long records) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    List<String> layers = note();
    Held held;
    try {
      // Before anything is fetched: it stays from the moment it comes.
      for (String layer : layers) {
        cache.pin(layer, true);
      }
      try (Interrupt interrupt = new Interrupt();
          Session session = cache.session()) {
        held = complete(session, interrupt, terminal, layers.size());
      }
    } catch (IOException | InterruptedException | RuntimeException e) {
      terminal.say("obd: what is here of it stays held; 'obd unhold " + name + "' lets it go");
      throw e;
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, held);
    } else {
      out.println(
          held.name
              + ": "
              + Sizes.show(held.bytes)
              + " of "
              + held.layers
              + (held.layers == 1 ? " layer" : " layers")
              + " here and held, "
              + Sizes.show(held.fetchedBytes)
              + " fetched; what was recorded needs no registry");
    }
    return 0;
  }

  /** Names it in the store, and among what is held; returns its layers that come from afar. */
  private List<String> note() throws IOException {
    try (Session session = cache.session()) {
      if (!name.startsWith("oci:")) {
        ImageReference reference = ImageReference.parse(name);
        if (session.images().find(reference).isEmpty()) {
          session.images().pull(reference, Progress.NONE);
        }
      }
      Source.Stored image = Sources.image(session, name);
      if (image.plan().trace() instanceof ImagePlan.TraceUse.None) {
        throw new IOException(
            name
                + ": nothing is recorded of it: 'obd record' does, 'obd fetch' brings the whole image");
      }
      List<String> layers = remote(image.plan());
      new Holds(session.home().holds()).add(image.image().descriptor().digest(), name, layers);
      return layers;
    }
  }

  /** Digests of the layers that come over a network. */
  private static List<String> remote(ImagePlan plan) {
    return plan.lowers().stream()
        .filter(layer -> layer.link().isPresent())
        .flatMap(layer -> layer.digest().stream())
        .map(Digest::value)
        .distinct()
        .toList();
  }

  private Held complete(Session session, Interrupt interrupt, Terminal terminal, int layers)
      throws IOException, InterruptedException {
    ImagePlan plan = Sources.image(session, name).plan();
    try (Image image = session.opener().open(plan, OpenOptions.DEFAULTS)) {
      Replayer replayer =
          image.replayer().orElseThrow(() -> new IllegalStateException("no replay: " + name));
      Progress progress = terminal.progress("fetching");
      while (!replayer.awaitDone(LOOK)) {
        ReplayStats now = replayer.stats();
        if (now.rangeBytes() > session.cache().capacityBytes()) {
          throw new IOException(
              "%s: what is recorded has %s, the cache keeps %s: give a larger --cache-size"
                  .formatted(
                      name,
                      Sizes.show(now.rangeBytes()),
                      Sizes.show(session.cache().capacityBytes())));
        }
        progress.at(Math.min(now.bytes(), now.rangeBytes()), now.rangeBytes());
        if (interrupt.asked()) {
          throw new IOException("interrupted: the same command goes on from there");
        }
      }
      ReplayStats done = replayer.stats();
      Optional<String> missing = replayer.missing();
      if (missing.isPresent()) {
        throw new IOException(
            name + ": " + missing.get() + "; the same command goes on from there");
      }
      Part here = image.recordedHere().orElseThrow(() -> unusable(done));
      if (!here.isWhole() || done.records() == 0) {
        throw unusable(done);
      }
      progress.at(here.bytes(), here.bytes());
      return new Held(
          plan.name(),
          layers,
          here.bytes(),
          image.remoteReads().snapshot().bytes(),
          done.records());
    }
  }

  private IOException unusable(ReplayStats stats) {
    return new IOException(
        stats.failed() > 0
            ? "%s: %d requests of %d failed; the same command goes on from there"
                .formatted(name, stats.failed(), stats.ranges())
            : name + ": what is recorded of it cannot be used ('obd trace show')");
  }
}
