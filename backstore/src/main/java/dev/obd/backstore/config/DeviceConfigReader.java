package dev.obd.backstore.config;

import dev.obd.backstore.config.DeviceConfig.Lower;
import dev.obd.backstore.config.DeviceConfig.Upper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads {@code config.v1.json}: strict JSON, right types, bounded. Paths are relative to a given
 * directory.
 */
public final class DeviceConfigReader {
  private static final int MAX_LOWERS = 256;

  private DeviceConfigReader() {}

  /** Reads {@code path}; relative paths in it are resolved against {@code base}. */
  public static DeviceConfig read(Path path, Path base) throws IOException {
    return config(ConfigObject.read(path), base);
  }

  /** Parses {@code text}; {@code file} names it in errors. */
  public static DeviceConfig parse(String file, String text, Path base) throws ConfigException {
    return config(ConfigObject.parse(file, text), base);
  }

  private static DeviceConfig config(ConfigObject top, Path base) throws ConfigException {
    List<Lower> lowers = new ArrayList<>();
    for (ConfigObject lower : top.objects("lowers", MAX_LOWERS)) {
      lowers.add(lower(lower, base));
    }
    Optional<ConfigObject> upperObject = top.object("upper");
    Optional<Upper> upper =
        upperObject.isPresent() ? upper(upperObject.get(), base) : Optional.empty();
    boolean acceleration = top.bool("accelerationLayer", false);
    Optional<Path> record = top.path("recordTracePath", base);
    if (acceleration && record.isPresent()) {
      throw top.wrong(
          "recordTracePath", "nothing, because accelerationLayer is true", record.get());
    }
    if (lowers.isEmpty() && upper.isEmpty()) {
      throw top.wrong("lowers", "at least one layer, or an upper", "neither");
    }
    Optional<ConfigObject> download = top.object("download");
    Optional<ConfigObject> prefetch = top.object("prefetch");
    return new DeviceConfig(
        top.string("repoBlobUrl").orElse(""),
        List.copyOf(lowers),
        upper,
        top.path("resultFile", base),
        download.isPresent() ? Optional.of(DownloadConfig.read(download.get())) : Optional.empty(),
        acceleration,
        record,
        prefetch.isPresent() ? PrefetchConfig.read(prefetch.get()) : PrefetchConfig.NONE,
        top.unknown());
  }

  private static Lower lower(ConfigObject o, Path base) throws ConfigException {
    return new Lower(
        o.path("file", base),
        o.path("dir", base),
        o.string("digest"),
        o.whole("size", 0, 0, Long.MAX_VALUE),
        o.path("targetFile", base),
        o.string("targetDigest"),
        o.path("gzipIndex", base));
  }

  private static Optional<Upper> upper(ConfigObject o, Path base) throws ConfigException {
    Optional<Path> index = o.path("index", base);
    Optional<Path> data = o.path("data", base);
    Optional<Path> target = o.path("target", base);
    Optional<Path> gzipIndex = o.path("gzipIndex", base);
    boolean _ = o.has("vsize"); // the snapshotter writes it, the layer's header says it
    if (index.isEmpty() || data.isEmpty()) {
      return Optional.empty(); // as the original: either one missing means a read-only device
    }
    return Optional.of(new Upper(index.get(), data.get(), target, gzipIndex));
  }
}
