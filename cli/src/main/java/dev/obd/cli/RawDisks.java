package dev.obd.cli;

import dev.obd.backstore.build.RawExport;
import dev.obd.backstore.disk.BaseDisks;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.LayerDirectories;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.image.WholeLayers;
import dev.obd.backstore.store.LoadedImage;
import java.io.IOException;
import java.nio.file.Path;

/** Makes raw disks of images: verified layers, unpacked once, and gone afterwards. */
final class RawDisks {
  private static final long FREE_RESERVE_BYTES = 1L << 30;

  private final Session session;
  private final Fetching fetching;
  private final Terminal terminal;

  RawDisks(Session session, Fetching fetching, Terminal terminal) {
    this.session = session;
    this.fetching = fetching;
    this.terminal = terminal;
  }

  /** The disk of {@code image}, made if it is not there; held until it is closed. */
  BaseDisks.Held of(LoadedImage image) throws IOException, InterruptedException {
    return session
        .disks()
        .get(
            image.descriptor().digest(),
            image.name(),
            (work, disk) -> make(image, work, disk),
            () -> terminal.say("waiting for another process that makes this disk"));
  }

  private void make(LoadedImage image, Path work, Path disk)
      throws IOException, InterruptedException {
    ImagePlan plan = session.plans().plan(image).withTrace(new TraceUse.None());
    boolean remote = plan.lowers().stream().anyMatch(layer -> layer.link().isPresent());
    if (remote) {
      Path layers = work.resolve("layers");
      var whole = new WholeLayers(session.opener());
      fetching.run(session, whole.inDirectories(plan, layers, FREE_RESERVE_BYTES), terminal);
      Path config = LayerDirectories.describe(plan, layers);
      plan = session.plans().resolve(config.toAbsolutePath().toString()).plan();
    }
    try (Image opened = session.opener().open(plan, OpenOptions.DEFAULTS.forOnePass())) {
      RawExport.toFile(opened, disk, session.executor(), terminal.progress("unpacking"));
    }
  }
}
