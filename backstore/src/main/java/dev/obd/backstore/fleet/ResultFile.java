package dev.obd.backstore.fleet;

import dev.obd.backstore.config.ConfigException;
import dev.obd.backstore.config.DeviceConfig;
import dev.obd.backstore.image.ImageOpenException;
import dev.obd.backstore.image.ImageOpenException.Part;
import dev.obd.backstore.image.ImageOpenException.Stage;
import dev.obd.io.FormatException;
import dev.obd.registry.RegistryException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The {@code resultFile} of a configuration: {@code success}, or {@code failed:} and one of the
 * messages that overlaybd writes, which others may look for. What really happened, in more words,
 * is in the log and the device's status.
 */
final class ResultFile {
  private static final Logger log = LogManager.getLogger(ResultFile.class);
  private static final Pattern LAYER_KEY = Pattern.compile("lowers\\[(\\d+)\\].*");

  private ResultFile() {}

  static void succeeded(DeviceConfig config) {
    write(config.resultFile(), "success");
  }

  static void failed(DeviceConfig config, IOException failure) {
    write(config.resultFile(), "failed:" + message(config, failure));
  }

  /**
   * In place, because others may hold it open; but not through a link, which somebody else may have
   * put there. That it cannot be written stops no device.
   */
  private static void write(Optional<Path> file, String text) {
    if (file.isPresent()) {
      try {
        Files.writeString(
            file.get(),
            text,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING,
            LinkOption.NOFOLLOW_LINKS);
      } catch (IOException e) {
        log.warn("resultfile.failed file={} reason={}", file.get(), e.toString());
      }
    }
  }

  /** The original's words for {@code failure}; empty where it has none. */
  static String message(DeviceConfig config, IOException failure) {
    return switch (failure) {
      case DuplicateDevIdException duplicate -> String.valueOf(duplicate.getMessage());
      case ImageOpenException e -> message(config, e);
      case ConfigException e -> message(e);
      case RegistryException e -> "failed to open layer 0: " + reason(e);
      default -> "failed to create overlaybd device";
    };
  }

  private static String message(ConfigException e) {
    Matcher layer = LAYER_KEY.matcher(e.key());
    if (layer.matches()) {
      return "failed to open layer " + layer.group(1);
    }
    return e.key().equals("repoBlobUrl") ? "empty repoBlobUrl" : "";
  }

  private static String message(DeviceConfig config, ImageOpenException e) {
    return switch (e.part()) {
      case Part.Upper _, Part.Recording _ -> "";
      case Part.Stack _ -> "failed to create overlaybd device";
      case Part.Layer layer -> message(config, layer, e.getCause());
    };
  }

  private static String message(DeviceConfig config, Part.Layer layer, @Nullable Throwable cause) {
    boolean remote = layer.origin().link().isPresent();
    String where = remote ? url(config, layer) : layer.origin().name();
    if (layer.stage() == Stage.INDEX) {
      return "failed to create overlaybd device";
    }
    if (cause instanceof FormatException) {
      return "failed to open switch file " + where;
    }
    if (remote) {
      // Nothing is asked of a registry before the first bytes are needed, as with a cache there.
      return "failed to open remote file as tar file " + where + ": " + reason(cause);
    }
    return layer.stage() == Stage.BLOB
        ? "failed to open local file " + where
        : "failed to open file as tar file " + where;
  }

  private static String url(DeviceConfig config, Part.Layer layer) {
    String base = config.repoBlobUrl();
    return "/" + base + (base.endsWith("/") ? "" : "/") + layer.origin().name();
  }

  private static String reason(@Nullable Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof RegistryException e) {
        return switch (e.kind()) {
          case UNAUTHORIZED -> "Authentication failed";
          case TOO_MANY_REQUESTS -> "Too many requests";
          // No server and server errors look so there, too.
          case NOT_FOUND, UNAVAILABLE -> "No such file or directory";
          case TIMED_OUT -> "Get meta timedout";
          case BAD_ANSWER, REFUSED -> "Unexpected response";
        };
      }
    }
    return failure instanceof InterruptedIOException ? "Get meta timedout" : "Unexpected response";
  }
}
