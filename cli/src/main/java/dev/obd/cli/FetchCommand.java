package dev.obd.cli;

import dev.obd.backstore.download.BlobInCache;
import dev.obd.backstore.download.WholeBlob;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlans.Source;
import dev.obd.backstore.image.LayerDirectories;
import dev.obd.backstore.image.WholeLayers;
import dev.obd.registry.ImageReference;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd fetch}. */
@Command(
    name = "fetch",
    mixinStandardHelpOptions = true,
    description = {
      "Bring an image here as a whole, as fast as the link allows: afterwards it needs no registry.",
      "Its layers go into the cache, where devices that have it open, and later ones, find them; the cache forgets what is not read when it is full. 'obd pull --data' keeps them in the local store instead, --to in a directory of your own.",
      "What is here already is not fetched. It can be stopped and killed at any time: the same command goes on where it ended. Every layer is compared with its digest.",
      "",
      "Example:  obd fetch registry.example/app:v1",
      "          obd fetch registry.example/app:v1 --rate 10M",
      "          obd fetch registry.example/app:v1 --to /srv/layers/app",
      "and then  obd attach /srv/layers/app/config.v1.json"
    })
final class FetchCommand implements Callable<Integer> {
  private static final long FREE_RESERVE_BYTES = 1L << 30;

  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Mixin private Fetching fetching;

  @Parameters(paramLabel = "SRC", description = "An image, or an overlaybd config.v1.json.")
  private String source;

  @Option(
      names = "--to",
      paramLabel = "DIR",
      description =
          "Keep each layer as overlaybd does, as DIR/<digest>/overlaybd.commit, with a config.v1.json that opens them.")
  private @Nullable Path directory;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  /** What {@code --json} prints. */
  private record Fetched(
      String name,
      int layers,
      long bytes,
      long bytesHereBefore,
      long fetchedBytes,
      double seconds,
      long bytesPerSecond,
      @Nullable String config) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open()) {
      ImagePlan plan = plan(session);
      var layers = new WholeLayers(session.opener());
      List<WholeBlob> blobs =
          directory == null
              ? layers.inCache(plan)
              : layers.inDirectories(plan, directory, FREE_RESERVE_BYTES);
      if (directory == null) {
        refuseIfTooLarge(session, blobs);
      }
      Fetching.Done done = fetching.run(session, blobs, terminal);
      Path config = directory == null ? null : LayerDirectories.describe(plan, directory);
      print(plan, done, config);
    }
    return 0;
  }

  /** An image that is not here yet is named here, too: or it could not be found in an outage. */
  private ImagePlan plan(Session session) throws IOException {
    boolean named = !source.startsWith("oci:") && !Files.isRegularFile(Path.of(source));
    if (named && directory == null) {
      ImageReference reference = ImageReference.parse(source);
      if (session.images().find(reference).isEmpty()) {
        session.images().pull(reference, Progress.NONE);
      }
    }
    Source resolved = session.plans().resolve(source);
    return resolved.plan();
  }

  private static void refuseIfTooLarge(Session session, List<WholeBlob> blobs) throws IOException {
    long bytes =
        blobs.stream().filter(BlobInCache.class::isInstance).mapToLong(WholeBlob::size).sum();
    long capacity = session.cache().capacityBytes();
    if (bytes > capacity) {
      for (WholeBlob blob : blobs) {
        blob.close();
      }
      throw new IOException(
          "the image has %s and the cache keeps %s: give a larger --cache-size, or --to DIR, or use 'obd pull --data'"
              .formatted(Sizes.show(bytes), Sizes.show(capacity)));
    }
  }

  private void print(ImagePlan plan, Fetching.Done done, @Nullable Path config) {
    PrintWriter out = spec.commandLine().getOut();
    var status = done.status();
    if (json) {
      Json.print(
          out,
          new Fetched(
              plan.name(),
              plan.lowers().size(),
              status.bytes(),
              status.hereBefore(),
              status.fetchedBytes(),
              done.seconds(),
              done.bytesPerSecond(),
              config == null ? null : config.toString()));
      return;
    }
    String what =
        status.fetchedBytes() == 0
            ? "nothing to fetch"
            : String.format(
                Locale.ROOT,
                "%s fetched in %.1f s (%s/s)",
                Sizes.show(status.fetchedBytes()),
                done.seconds(),
                Sizes.show(done.bytesPerSecond()));
    out.println(plan.name() + ": " + plan.lowers().size() + " layers here and verified; " + what);
    if (config != null) {
      out.println(config);
    }
  }
}
