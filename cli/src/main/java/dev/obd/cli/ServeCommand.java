package dev.obd.cli;

import dev.obd.backstore.device.Export;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.UpperFiles;
import dev.obd.backstore.image.ImagePlans.Source;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.image.UpperBase;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd serve}. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = {
      "Serve an image as a block device until SIGINT or SIGTERM.",
      "Prints one line per address, beginning with 'ready', once clients can connect. A trace in the image is replayed at once.",
      "",
      "Read it:    qemu-img info 'nbd+unix:///?socket=PATH'   or   nbdcopy 'nbd+unix:///?socket=PATH' disk.raw",
      "Mount it:   obd serve IMAGE --mount DIR   (needs root, FUSE and a loop device)"
    })
final class ServeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(
      paramLabel = "SRC",
      description = "An image, an overlaybd config.v1.json or a layer file.")
  private String source;

  @Option(
      names = "--nbd",
      paramLabel = "unix:PATH|tcp:HOST:PORT",
      description = "Serve it over NBD there. May be given more than once.")
  private List<String> nbd = new ArrayList<>();

  @Option(names = "--mount", paramLabel = "DIR", description = "Mount its file system there.")
  private @Nullable Path mount;

  @Option(
      names = "--fstype",
      paramLabel = "TYPE",
      description = "The file system's type (default ${DEFAULT-VALUE}).")
  private String fsType = "ext4";

  @Option(
      names = "--rw",
      description =
          "Writable: changes go to a layer of their own; 'obd commit --upper' makes an image of it.")
  private boolean writable;

  @Option(
      names = "--upper",
      paramLabel = "DIR",
      description =
          "Where the writable layer is, or is to be made (default: under OBD_HOME, named after SRC).")
  private @Nullable Path upper;

  @Option(names = "--no-replay", description = "Leave the image's trace alone.")
  private boolean noReplay;

  @Option(
      names = "--concurrency",
      paramLabel = "N",
      description = "Requests of the replay in flight at once (default ${DEFAULT-VALUE}).")
  private int concurrency = 16;

  @Option(
      names = "--patience",
      paramLabel = "TIME",
      converter = Durations.Converter.class,
      description = "How long a read may take before it fails with an I/O error (default 60s).")
  private Duration patience = Duration.ofSeconds(60);

  @Override
  public Integer call() throws Exception {
    if (nbd.isEmpty() && mount == null) {
      throw new ParameterException(
          spec.commandLine(), "where to? Give --nbd unix:PATH, --nbd tcp:HOST:PORT or --mount DIR");
    }
    if (upper != null && !writable) {
      throw new ParameterException(spec.commandLine(), "--upper needs --rw");
    }
    List<URI> addresses = new ArrayList<>(nbd.stream().map(Frontends::nbd).toList());
    PrintWriter out = spec.commandLine().getOut();
    try (Interrupt interrupt = new Interrupt();
        Session session = options.open()) {
      Source resolved = session.plans().resolve(source);
      ImagePlan plan = resolved.plan();
      if (writable) {
        plan = plan.withUpper(upper(session, resolved));
      }
      OpenOptions how =
          OpenOptions.DEFAULTS.withReplay(!noReplay).withReplayConcurrency(concurrency);
      try (Attachment attachment = Attachment.open(session, plan, how, patience)) {
        if (mount != null) {
          Path file =
              Files.createDirectories(session.home().run())
                  .resolve("disk-" + ProcessHandle.current().pid());
          addresses.add(Frontends.mount(file, mount, fsType, !writable));
        }
        for (URI address : addresses) {
          Export export = attachment.export(address);
          out.println(
              "ready "
                  + export.address()
                  + " ("
                  + Sizes.show(attachment.device().size())
                  + (writable ? ", writable)" : ", read-only)"));
        }
        out.flush();
        interrupt.await();
      }
    }
    return 0;
  }

  private UpperFiles upper(Session session, Source resolved) throws IOException {
    ImagePlan plan = resolved.plan();
    if (plan.upper().isPresent() && upper == null) {
      return plan.upper().get(); // an overlaybd configuration brings its own
    }
    Path dir =
        upper != null
            ? upper
            : session.home().uppers().resolve(UpperBase.directoryName(name(resolved)));
    UpperFiles files = UpperBase.prepare(dir, plan);
    spec.commandLine().getErr().println("writable layer: " + dir);
    return files;
  }

  /** What was named, wherever the process runs. */
  private String name(Source resolved) {
    return resolved instanceof Source.LayerFile(Path file, _)
        ? file.toAbsolutePath().normalize().toString()
        : source;
  }
}
