package dev.obd.backstore.config;

import java.time.Duration;

/**
 * The background download of whole layers: {@code download} of overlaybd's files.
 *
 * @param enabled whether layers with a directory are downloaded at all
 * @param delay how long after a device was opened it begins
 * @param extraDelay up to that much more, at random, so that a host's devices do not begin together
 * @param bytesPerSecond most that one image takes; 0 is without limit
 * @param tries how often one layer is tried
 * @param blockBytes of one request
 */
public record DownloadConfig(
    boolean enabled,
    Duration delay,
    Duration extraDelay,
    long bytesPerSecond,
    int tries,
    int blockBytes) {
  /** Off; five minutes, half a minute, 100 MiB/s, five tries, 256 KiB. */
  public static final DownloadConfig DEFAULTS =
      new DownloadConfig(
          false, Duration.ofSeconds(300), Duration.ofSeconds(30), 100L << 20, 5, 256 << 10);

  private static final int MAX_SECONDS = 365 * 24 * 3600;
  private static final int MIN_BLOCK = 4 << 10;
  private static final int MAX_BLOCK = 64 << 20;

  static DownloadConfig read(ConfigObject o) throws ConfigException {
    int extra =
        o.whole(
            "delayExtra", (int) DEFAULTS.extraDelay.toSeconds(), Integer.MIN_VALUE, MAX_SECONDS);
    int block = o.whole("blockSize", DEFAULTS.blockBytes, MIN_BLOCK, MAX_BLOCK);
    if (block % MIN_BLOCK != 0) {
      throw o.wrong("blockSize", "a multiple of " + MIN_BLOCK, block);
    }
    // A negative limit is none in the original.
    long megabytes =
        o.whole("maxMBps", DEFAULTS.bytesPerSecond >> 20, Integer.MIN_VALUE, Integer.MAX_VALUE);
    return new DownloadConfig(
        o.bool("enable", DEFAULTS.enabled),
        Duration.ofSeconds(o.whole("delay", (int) DEFAULTS.delay.toSeconds(), 0, MAX_SECONDS)),
        // As the original: what makes no sense means the default.
        extra > 0 ? Duration.ofSeconds(extra) : DEFAULTS.extraDelay,
        Math.max(0, megabytes) << 20,
        o.whole("tryCnt", DEFAULTS.tries, 1, 1000),
        block);
  }
}
