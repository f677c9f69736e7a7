package dev.obd.backstore.fleet;

import dev.obd.backstore.config.ConfigException;
import dev.obd.backstore.config.DownloadConfig;
import dev.obd.backstore.config.ServiceConfigReader;
import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.Locality;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.prefetch.Replayer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** The open devices of a process, by id. Thread-safe. */
final class OpenDevices {
  private static final Logger log = LogManager.getLogger(OpenDevices.class);
  private static final int SECTOR = 512;

  /** As the original's; who makes a device waits for it. */
  private static final Duration OPEN_PATIENCE = Duration.ofSeconds(30);

  private final FleetContext context;
  private final ConcurrentHashMap<String, OpenDevice> open = new ConcurrentHashMap<>();

  OpenDevices(FleetContext context) {
    this.context = context;
  }

  /**
   * Opens an image and registers it until its device is closed. If {@code name} is taken, because
   * one configuration is served twice, its id has a number.
   */
  OpenDevice open(
      String name, String source, Optional<String> devId, ImagePlan plan, OpenOptions how)
      throws IOException {
    Image image = context.opener().open(plan, how);
    try {
      if (image.size() % SECTOR != 0) {
        throw new IOException(
            plan.name() + ": virtual size: expected a multiple of 512 bytes, got " + image.size());
      }
      return register(name, source, devId, image);
    } catch (IOException | RuntimeException e) {
      try {
        image.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  private OpenDevice register(String name, String source, Optional<String> devId, Image image) {
    for (int number = 1; ; number++) {
      String id = number == 1 ? name : name + "#" + number;
      DeviceOptions options =
          new DeviceOptions(
              context.config().own().stallLimit(),
              DeviceOptions.DEFAULTS.hangGrace(),
              context.ticker(),
              context.threads(),
              context.config().own().onStall());
      var outage = new OutageWatch(id, () -> recordedHere(image), context.clock());
      var watching = new CompletableFuture<ScheduledFuture<?>>();
      Runnable closed =
          () -> {
            open.remove(id);
            var _ = watching.thenAccept(looks -> looks.cancel(false));
          };
      var device = new BlockDevice(id, new ImageDisk(image, closed), options);
      var opened =
          new OpenDevice(id, source, devId, image, device, context.clock().instant(), outage);
      if (open.putIfAbsent(id, opened) == null) {
        watching.complete(watch(outage));
        log.info("device.opened device={} size={} writable={}", id, image.size(), image.writable());
        return opened;
      }
    }
  }

  /** The timer only asks: to look means to read files. */
  private ScheduledFuture<?> watch(OutageWatch outage) {
    long nanos = OutageWatch.LOOK.toNanos();
    return context
        .timer()
        .scheduleWithFixedDelay(
            () -> context.threads().execute(outage::look), nanos, nanos, TimeUnit.NANOSECONDS);
  }

  /** Nobody knows before the recordings were read and replayed. */
  private static Optional<Locality.Part> recordedHere(Image image) {
    return image
        .replayer()
        .map(Replayer::stats)
        .filter(stats -> stats.done() && stats.records() > 0)
        .flatMap(_ -> image.recordedHere());
  }

  /** How the process's configuration wants images opened. */
  OpenOptions options() {
    Duration stall = context.config().own().stallLimit();
    return OpenOptions.DEFAULTS
        .withPatience(stall.compareTo(OPEN_PATIENCE) < 0 ? stall : OPEN_PATIENCE)
        .withReplay(context.config().own().prefetch().enabled())
        .withReadahead(
            context.config().own().readahead() && context.config().own().prefetch().enabled())
        .withReplayConcurrency(context.config().prefetchConcurrency())
        .withDownload(download());
  }

  /** As the original, the file is read again for each device; a damaged one changes nothing. */
  private DownloadConfig download() {
    Optional<Path> file = context.config().file();
    if (file.isPresent()) {
      try {
        return ServiceConfigReader.read(file.get()).download();
      } catch (ConfigException e) {
        log.warn("config.unusable {}", e.getMessage());
      } catch (IOException e) {
        log.warn("config.unreadable file={} reason={}", file.get(), e.toString());
      }
    }
    return context.config().download();
  }

  Optional<OpenDevice> find(String id) {
    return Optional.ofNullable(open.get(id));
  }

  /** By identity of what is served. */
  Optional<OpenDevice> of(BlockDevice device) {
    return open.values().stream().filter(d -> d.device().equals(device)).findFirst();
  }

  Collection<OpenDevice> all() {
    return List.copyOf(open.values());
  }
}
