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
 * @param fillCache whether what is read over a network is kept in the cache; what is there is used
 *     in any case
 * @param patience how long opening may take in all
 */
public record OpenOptions(
    Optional<AccessSink> recorder,
    boolean replay,
    int replayConcurrency,
    boolean fillCache,
    Duration patience) {
  /** Replay by 16, no recording, the cache is filled, one minute. */
  public static final OpenOptions DEFAULTS =
      new OpenOptions(Optional.empty(), true, 16, true, Duration.ofSeconds(60));

  public OpenOptions {
    if (replayConcurrency < 1 || replayConcurrency > 256) {
      throw new IllegalArgumentException(
          "replay concurrency: expected 1 to 256, got " + replayConcurrency);
    }
  }

  /** Recording turns replay off: what replay fetched would not be what the start needed. */
  public OpenOptions withRecorder(AccessSink sink) {
    return new OpenOptions(Optional.of(sink), false, replayConcurrency, fillCache, patience);
  }

  public OpenOptions withReplay(boolean on) {
    return new OpenOptions(recorder, on, replayConcurrency, fillCache, patience);
  }

  public OpenOptions withReplayConcurrency(int requests) {
    return new OpenOptions(recorder, replay, requests, fillCache, patience);
  }

  public OpenOptions withPatience(Duration limit) {
    return new OpenOptions(recorder, replay, replayConcurrency, fillCache, limit);
  }

  /** For reading everything once: no replay, and the cache keeps what it has. */
  public OpenOptions forOnePass() {
    return new OpenOptions(recorder, false, replayConcurrency, false, patience);
  }
}
