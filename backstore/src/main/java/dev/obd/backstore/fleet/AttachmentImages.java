package dev.obd.backstore.fleet;

import dev.obd.backstore.config.DownloadConfig;
import dev.obd.backstore.config.PrefetchConfig;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlans.Source;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.image.UpperBase;
import dev.obd.backstore.inspect.FileSystemProbe;
import dev.obd.backstore.startlog.StartLogging;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/** Opens what users attach. */
final class AttachmentImages {
  private static final int PROBE_BYTES = 0x10040 + 8; // as far as the probe looks

  private final FleetContext context;
  private final OpenDevices devices;

  AttachmentImages(FleetContext context, OpenDevices devices) {
    this.context = context;
    this.devices = devices;
  }

  /**
   * Opens the image; a device serves it under the attachment's name until it is closed.
   *
   * @param startLog where to log that, if it is wanted
   */
  OpenDevice open(Attachment a, Optional<StartLogging.Target> startLog) throws IOException {
    Source source = context.plans().resolve(a.source());
    ImagePlan plan = source.plan();
    if (a.writable() && (plan.upper().isEmpty() || a.upper().isPresent())) {
      Path directory =
          a.upper()
              .orElseGet(
                  () -> context.home().uppers().resolve(UpperBase.directoryName(a.source())));
      plan = plan.withUpper(UpperBase.prepare(directory, plan));
    }
    OpenOptions how =
        a.replay().in(devices.options()).withFiles(a.prefetch().files()).withStartLog(startLog);
    if (source instanceof Source.Configured configured) {
      Optional<DownloadConfig> own = configured.config().download();
      how = own.isPresent() ? how.withDownload(own.get()) : how;
      PrefetchConfig files = configured.config().prefetch();
      how = a.prefetch().files().entries().isEmpty() ? how.withFiles(files.files()) : how;
    }
    OpenDevice opened = devices.open(a.name(), a.source(), Optional.empty(), plan, how);
    if (!a.complete()) { // else it has users, who wait already
      opened.awaitPrefetch(a.prefetch().patience());
    }
    return opened;
  }

  /** The type of the file system on a device. */
  static String fsType(OpenDevice device) throws IOException {
    long size = Math.min(PROBE_BYTES, device.image().size());
    ByteBuffer head = ByteBuffer.allocate((int) size);
    device.image().read(0, head);
    Optional<String> found =
        FileSystemProbe.detect(BlockSources.ofBytes(device.source(), head.flip()));
    if (found.isEmpty() || found.get().contains(" ")) {
      throw new FleetException(
          FleetException.Kind.UNSUPPORTED,
          device.source()
              + ": nothing to mount: the disk holds "
              + found.orElse("no file system that is known; name its type if it does"));
    }
    return found.get();
  }
}
