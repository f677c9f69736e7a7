package dev.obd.backstore.image;

import dev.obd.trace.AccessSink;
import java.time.Duration;
import java.util.Optional;

/**
 * How to open an image.
 *
 * @param recorder told every read of a layer, from the first one of opening it; empty to record
 *     nothing
 * @param replay whether the image's trace is replayed
 * @param replayConcurrency requests of the replay in flight at once
 * @param patience how long opening may take in all
 */
public record OpenOptions(
    Optional<AccessSink> recorder, boolean replay, int replayConcurrency, Duration patience) {
  /** Replay by 16, no recording, one minute. */
  public static final OpenOptions DEFAULTS =
      new OpenOptions(Optional.empty(), true, 16, Duration.ofSeconds(60));

  public OpenOptions {
    if (replayConcurrency < 1 || replayConcurrency > 256) {
      throw new IllegalArgumentException(
          "replay concurrency: expected 1 to 256, got " + replayConcurrency);
    }
  }

  /** Recording turns replay off: what replay fetched would not be what the start needed. */
  public OpenOptions withRecorder(AccessSink sink) {
    return new OpenOptions(Optional.of(sink), false, replayConcurrency, patience);
  }

  public OpenOptions withReplay(boolean on) {
    return new OpenOptions(recorder, on, replayConcurrency, patience);
  }

  public OpenOptions withReplayConcurrency(int requests) {
    return new OpenOptions(recorder, replay, requests, patience);
  }

  public OpenOptions withPatience(Duration limit) {
    return new OpenOptions(recorder, replay, replayConcurrency, limit);
  }
}
