package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder;
import dev.obd.backstore.build.ImageBuilder.BaseImage;
import dev.obd.backstore.build.ImageBuilder.Built;
import dev.obd.backstore.build.PackOptions;
import dev.obd.backstore.build.RawDisk;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.store.ImageStore;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.io.BlockSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd import}. */
@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    description = {
      "Turn a disk, raw or qcow2, into an image.",
      "With --base only the blocks that differ from that image become a new layer on top of it; the disk may be larger or smaller than the base's. The base's trace, if it has one, is left out.",
      "",
      "  obd import v1.raw oci:/tmp/images:v1",
      "  obd import v2.qcow2 oci:/tmp/images:v2 --base oci:/tmp/images:v1",
      "  printf '/usr/bin/app\\n/usr/lib/app/\\n' | obd import v1.raw app:v1 --prefetch-policy fs"
    })
final class ImportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Mixin private PackingOptions packing;

  @Mixin private PolicyOptions policy;

  @Parameters(index = "0", paramLabel = "RAW", description = "A disk in a file, raw or qcow2.")
  private Path raw;

  @Parameters(
      index = "1",
      paramLabel = "DST",
      description = "The new image: oci:DIR[:tag], or its name in the local store.")
  private String destination;

  @Option(
      names = "--base",
      paramLabel = "IMAGE",
      description = "The image that the new layer goes on top of.")
  private @Nullable String base;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open();
        BlockSource disk = RawDisk.open(raw)) {
      ImageStore.Target target = session.images().target(destination);
      PackOptions packOptions = packing.options(session.executor());
      ImageBuilder builder = session.builder().withSaving(terminal.progress("saving"));
      Built built;
      if (base == null) {
        builder = builder.withNotes(policy.notes(session, Optional.empty(), terminal));
        built = run(builder, disk, Optional.empty(), target, packOptions, terminal);
      } else {
        LoadedImage image = session.images().load(base);
        OpenOptions once = OpenOptions.DEFAULTS.forOnePass();
        ImagePlan plan = session.plans().plan(image);
        builder = builder.withNotes(policy.notes(session, Optional.of(plan), terminal));
        try (Image below = session.opener().open(plan, once)) {
          built =
              run(
                  builder,
                  disk,
                  Optional.of(new BaseImage(image, below)),
                  target,
                  packOptions,
                  terminal);
        }
      }
      if (built.traceRemoved()) {
        terminal.say("the trace of " + base + " is not part of the new image: record a new one");
      }
      BuiltImage.of(built).print(spec.commandLine().getOut(), json);
    }
    return 0;
  }

  private Built run(
      ImageBuilder builder,
      BlockSource disk,
      Optional<BaseImage> below,
      ImageStore.Target target,
      PackOptions packOptions,
      Terminal terminal)
      throws IOException {
    below.ifPresent(b -> {
      if (disk.size() < b.disk().size()) {
        terminal.say(
            raw
                + " is smaller than "
                + b.image().name()
                + ": what that has beyond "
                + disk.size()
                + " bytes is cut off");
      }
    });
    return builder.importDisk(
        disk,
        below,
        target,
        packOptions,
        "obd import " + raw.getFileName(),
        terminal.progress("importing"));
  }
}
