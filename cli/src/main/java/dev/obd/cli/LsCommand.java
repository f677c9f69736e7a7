package dev.obd.cli;

import dev.obd.backstore.store.ImageStore;
import dev.obd.registry.Descriptor;
import dev.obd.registry.OverlaybdAnnotations;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code obd ls}. */
@Command(
    name = "ls",
    mixinStandardHelpOptions = true,
    description = {
      "List the images of the local store.",
      "LOCAL is how much of an image's layers lies in the store; the rest is fetched from its registry when it is read.",
      "",
      "Example:  obd ls --json | jq -r '.images[].name'"
    })
final class LsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Option(names = "--json", description = "Print the list as JSON.")
  private boolean json;

  /** The document that {@code --json} prints. */
  private record Listing(List<Entry> images) {}

  /**
   * One image.
   *
   * @param layers trace included
   * @param origin the repository that has the layers that are not local; absent if all are
   * @param problem why the image cannot be read; everything but its name and digest is then absent
   */
  private record Entry(
      String name,
      String digest,
      @Nullable Integer layers,
      @Nullable Long layerBytes,
      @Nullable Long localBytes,
      @Nullable Boolean trace,
      @Nullable String created,
      @Nullable String origin,
      @Nullable String problem) {}

  @Override
  public Integer call() throws IOException {
    List<Entry> entries = new ArrayList<>();
    try (Session session = options.open()) {
      for (ImageStore.Listed listed : session.images().list()) {
        entries.add(entry(listed));
      }
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, new Listing(entries));
    } else {
      table(out, entries);
    }
    return entries.stream().allMatch(e -> e.problem() == null) ? 0 : 1;
  }

  private static Entry entry(ImageStore.Listed listed) {
    String digest = listed.descriptor().digest().value();
    return switch (listed) {
      case ImageStore.Stored(var image, long localBytes) -> {
        List<Descriptor> layers = image.manifest().layers();
        yield new Entry(
            image.name(),
            digest,
            layers.size(),
            layers.stream().mapToLong(Descriptor::size).sum(),
            localBytes,
            layers.stream().anyMatch(OverlaybdAnnotations::isAcceleration),
            image.config().created().orElse(null),
            image.origin().map(o -> o.repositoryName()).orElse(null),
            null);
      }
      case ImageStore.Damaged(String name, var descriptor, IOException problem) ->
          new Entry(name, digest, null, null, null, null, null, null, Main.explain(problem));
    };
  }

  private void table(PrintWriter out, List<Entry> entries) {
    int width = entries.stream().mapToInt(e -> e.name().length()).max().orElse(4);
    String form = "%-" + Math.max(4, width) + "s  %-19s  %6s  %9s  %9s  %s%n";
    out.printf(form, "NAME", "DIGEST", "LAYERS", "SIZE", "LOCAL", "TRACE");
    for (Entry e : entries) {
      String digest = e.digest().substring(0, 19);
      if (e.layers() == null || e.layerBytes() == null || e.localBytes() == null) {
        out.printf(form, e.name(), digest, "-", "-", "-", "-");
        spec.commandLine().getErr().println("obd: " + e.name() + ": " + e.problem());
      } else {
        out.printf(
            form,
            e.name(),
            digest,
            e.layers(),
            Sizes.show(e.layerBytes()),
            Sizes.show(e.localBytes()),
            Boolean.TRUE.equals(e.trace()) ? "yes" : "no");
      }
    }
  }
}
