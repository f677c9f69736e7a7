package dev.obd.backstore.fleet;

import dev.obd.backstore.config.DeviceConfig;
import dev.obd.backstore.config.DeviceConfigReader;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.OpenOptions;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Opens the devices of overlaybd's configurations, as its daemon does. Thread-safe. */
final class ConfiguredDevices {
  private static final Logger log = LogManager.getLogger(ConfiguredDevices.class);

  private final FleetContext context;
  private final OpenDevices devices;

  /** Ids of devices that are being opened; the others' are in {@link #devices}. */
  private final Set<String> opening = new HashSet<>(); // guarded by itself

  ConfiguredDevices(FleetContext context, OpenDevices devices) {
    this.context = context;
    this.devices = devices;
  }

  /**
   * What comes after {@code overlaybd/}.
   *
   * @param file the configuration
   */
  record Name(Path file, Optional<String> devId) {
    /** {@code <path>[;<id>]}; the first semicolon counts. */
    static Name parse(String text) throws IOException {
      int semicolon = text.indexOf(';');
      String path = semicolon < 0 ? text : text.substring(0, semicolon);
      String id = semicolon < 0 ? "" : text.substring(semicolon + 1);
      if (path.isEmpty()) {
        throw new IOException("device configuration '" + text + "': expected a path");
      }
      try {
        return new Name(
            Path.of(path).toAbsolutePath(), id.isEmpty() ? Optional.empty() : Optional.of(id));
      } catch (InvalidPathException e) {
        throw new IOException("device configuration '" + text + "': " + e.getMessage(), e);
      }
    }
  }

  OpenDevice open(String text) throws IOException {
    Name name = Name.parse(text);
    String file = name.file().toString();
    Path folder = Objects.requireNonNull(name.file().getParent(), "a file has a folder");
    DeviceConfig config = DeviceConfigReader.read(name.file(), folder);
    if (!config.unknownKeys().isEmpty()) {
      log.warn("config.unknown_keys file={} keys={}", file, config.unknownKeys());
    }
    OpenDevice opened;
    try {
      opened = open(name, file, config);
    } catch (IOException e) {
      ResultFile.failed(config, e);
      throw e;
    } catch (RuntimeException e) {
      ResultFile.failed(config, new IOException(e));
      throw e;
    }
    ResultFile.succeeded(config);
    return opened;
  }

  private OpenDevice open(Name name, String file, DeviceConfig config) throws IOException {
    if (name.devId().isEmpty()) {
      return open(name.devId(), file, config);
    }
    String id = name.devId().get();
    synchronized (opening) {
      if (byDevId(id).isPresent() || !opening.add(id)) {
        throw new DuplicateDevIdException(id);
      }
    }
    try {
      return open(name.devId(), file, config);
    } finally {
      synchronized (opening) {
        opening.remove(id);
      }
    }
  }

  private OpenDevice open(Optional<String> devId, String file, DeviceConfig config)
      throws IOException {
    ImagePlan plan = context.plans().plan(file, config);
    OpenOptions how = devices.options().withFiles(config.prefetch().files());
    if (config.download().isPresent()) {
      how = how.withDownload(config.download().get());
    }
    OpenDevice opened = devices.open(file, file, devId, plan, how);
    opened.prefetchPatience(config.prefetch().patience());
    return opened;
  }

  Optional<OpenDevice> byDevId(String devId) {
    return devices.all().stream().filter(d -> d.devId().equals(Optional.of(devId))).findFirst();
  }
}
