package dev.obd.backstore.config;

import dev.obd.trace.FileList;
import java.time.Duration;
import java.util.List;

/**
 * What is prefetched when a device is made, besides what its image says, and how long users wait
 * for it.
 *
 * @param files of the image's file system; after what the image says
 * @param patience the device is not to be seen before all is here or this time is over; at most
 *     {@link #MAX_WAIT}
 */
public record PrefetchConfig(FileList files, Duration patience) {
  /** Longer would be taken for a device that hangs. */
  public static final Duration MAX_WAIT = Duration.ofMinutes(10);

  /** Nothing, and nobody waits. */
  public static final PrefetchConfig NONE = new PrefetchConfig(FileList.EMPTY, Duration.ZERO);

  private static final int MAX_PATHS = 65536;

  public PrefetchConfig {
    if (patience.isNegative() || patience.compareTo(MAX_WAIT) > 0) {
      throw new IllegalArgumentException(
          "waiting for the prefetch: expected at most "
              + MAX_WAIT.toMinutes()
              + " minutes, got "
              + patience.toSeconds()
              + " s");
    }
  }

  /** The object {@code prefetch} of a device's configuration. */
  static PrefetchConfig read(ConfigObject o) throws ConfigException {
    List<String> files = o.strings("files", MAX_PATHS);
    int wait = o.whole("waitSeconds", 0, 0, (int) MAX_WAIT.toSeconds());
    try {
      return new PrefetchConfig(FileList.of(files), Duration.ofSeconds(wait));
    } catch (IllegalArgumentException e) {
      throw o.wrong("files", "absolute paths", String.valueOf(e.getMessage()));
    }
  }

  /** The paths as they were given. */
  public List<String> paths() {
    return files.entries().stream().map(FileList.Entry::path).toList();
  }
}
