package dev.obd.cli;

import dev.obd.format.lsmt.LayerHeader;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.format.lsmt.WritableOptions;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd layer create}. */
@Command(
    name = "create",
    mixinStandardHelpOptions = true,
    description = {
      "Make the two files of a writable layer, as overlaybd-create does. Neither may exist.",
      "",
      "Example:  obd layer create --size 10G rw.data rw.index"
    })
final class LayerCreateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "DATA", description = "The data file to make.")
  private Path data;

  @Parameters(index = "1", paramLabel = "INDEX", description = "The index file to make.")
  private Path index;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description = "Size of the disk (default 0: as the layers it is put on).")
  private long size;

  @Option(
      names = {"-s", "--sparse"},
      description = "Keep blocks in place in a sparse file instead of appending to a log.")
  private boolean sparse;

  @Option(
      names = "--uuid",
      paramLabel = "UUID",
      converter = LayerIdentity.Uuid.class,
      description = "The layer's id (default: random).")
  private @Nullable UUID uuid;

  @Option(
      names = {"-p", "--parent"},
      paramLabel = "UUID",
      converter = LayerIdentity.Uuid.class,
      description = "The id of the layer below (default: not set).")
  private @Nullable UUID parent;

  @Override
  public Integer call() throws Exception {
    var options =
        new WritableOptions(
            size,
            uuid == null ? UUID.randomUUID() : uuid,
            parent == null ? LayerHeader.NO_UUID : parent,
            sparse);
    WritableLayer.create(data, index, options).close();
    spec.commandLine().getOut().println(data + ": a writable layer of " + Sizes.show(size));
    return 0;
  }
}
