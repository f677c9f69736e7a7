package dev.obd.cli;

import dev.obd.backstore.disk.BaseDisks;
import dev.obd.backstore.disk.DiskCopy;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.io.PendingFile.Existing;
import dev.obd.io.Ticker;
import dev.obd.registry.ImageReference;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd init}. */
@Command(
    name = "init",
    mixinStandardHelpOptions = true,
    description = {
      "Make a raw disk of an image, to boot a virtual machine from or to write to.",
      "The image is unpacked once, into OBD_HOME/disks, and copied from there: in no time where the file system shares blocks (XFS, Btrfs), else data only, holes stay holes. DISK.obd.json says where the disk comes from.",
      "",
      "Example:  obd init registry.example/vm:v1 vm.raw --size 40G",
      "          obd pull --uncompressed registry.example/vm:v1"
    })
final class InitCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Mixin private Fetching fetching;

  @Parameters(index = "0", paramLabel = "IMAGE", description = "An image, also oci:DIR[:tag].")
  private String source;

  @Parameters(index = "1", paramLabel = "DISK", description = "The file to make.")
  private Path disk;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description = "Make it so large; what is beyond the image's disk is empty.")
  private @Nullable Long size;

  @Option(
      names = {"-f", "--force"},
      description = "Replace a file that is there, once the new one is whole.")
  private boolean force;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  /** What {@code --json} prints. */
  private record Made(
      String image,
      String imageDigest,
      String disk,
      long sizeBytes,
      DiskCopy.Method method,
      double seconds) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (!force && Files.exists(disk, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(disk.toString()); // before anything is fetched for it
    }
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open()) {
      LoadedImage image = image(session);
      try (BaseDisks.Held base = new RawDisks(session, fetching, terminal).of(image)) {
        print(image, copy(image, base));
      }
    }
    return 0;
  }

  private LoadedImage image(Session session) throws IOException {
    if (source.startsWith("oci:")) {
      return session.images().load(source);
    }
    ImageReference reference = ImageReference.parse(source);
    Optional<LoadedImage> stored = session.images().find(reference);
    return stored.isPresent() ? stored.get() : session.images().pull(reference, Progress.NONE);
  }

  private Made copy(LoadedImage image, BaseDisks.Held base) throws IOException {
    long bytes = Files.size(base.file());
    if (size != null && size < bytes) {
      throw new IllegalArgumentException(
          "--size: expected at least the image's " + bytes + " bytes, got " + size);
    }
    long start = Ticker.SYSTEM.nanos();
    long wanted = size == null ? bytes : size;
    DiskCopy.Method method =
        base.copy(disk.toAbsolutePath(), wanted, force ? Existing.REPLACE : Existing.KEEP);
    return new Made(
        image.name(),
        image.descriptor().digest().value(),
        disk.toString(),
        wanted,
        method,
        (Ticker.SYSTEM.nanos() - start) / 1e9);
  }

  private void print(LoadedImage image, Made made) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, made);
      return;
    }
    String how =
        switch (made.method()) {
          case REFLINK -> "reflink";
          case SPARSE_COPY -> "sparse copy";
        };
    out.println(
        String.format(
            Locale.ROOT,
            "%s: %s, %s in %.0f ms, of %s@%s",
            made.disk(),
            Sizes.show(made.sizeBytes()),
            how,
            made.seconds() * 1000,
            image.name(),
            made.imageDigest()));
  }
}
