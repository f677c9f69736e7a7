package dev.obd.backstore.image;

import dev.obd.backstore.config.DownloadConfig;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.TraceChoice;
import dev.obd.backstore.startlog.StartLogging;
import dev.obd.trace.AccessSink;
import dev.obd.trace.FileList;
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
 * @param download whether, and how, remote layers with a directory are completed there; needs an
 *     opener that can
 * @param startLog where to write what happens from now on; empty to log nothing
 * @param trace which recordings are replayed, if any are
 * @param budget how much the replay may fetch
 * @param readahead whether who reads a remote layer in order is fetched ahead of
 * @param files to prefetch besides what the image says, and after it; nothing without replay
 */
public record OpenOptions(
    Optional<AccessSink> recorder,
    boolean replay,
    int replayConcurrency,
    boolean fillCache,
    Duration patience,
    DownloadConfig download,
    Optional<StartLogging.Target> startLog,
    TraceChoice trace,
    PrefetchBudget budget,
    boolean readahead,
    FileList files) {
  /** Replay by 16, no recording, the cache is filled, one minute, no download. */
  public static final OpenOptions DEFAULTS =
      new OpenOptions(
          Optional.empty(),
          true,
          16,
          true,
          Duration.ofSeconds(60),
          DownloadConfig.DEFAULTS,
          Optional.empty(),
          new TraceChoice.All(),
          new PrefetchBudget.Unlimited(),
          false,
          FileList.EMPTY);

  public OpenOptions {
    if (replayConcurrency < 1 || replayConcurrency > 256) {
      throw new IllegalArgumentException(
          "replay concurrency: expected 1 to 256, got " + replayConcurrency);
    }
  }

  /** Recording turns replay off: what replay fetched would not be what the start needed. */
  public OpenOptions withRecorder(AccessSink sink) {
    return new OpenOptions(
        Optional.of(sink),
        false,
        replayConcurrency,
        fillCache,
        patience,
        download,
        startLog,
        trace,
        budget,
        readahead,
        files);
  }

  public OpenOptions withReplay(boolean on) {
    return new OpenOptions(
        recorder,
        on,
        replayConcurrency,
        fillCache,
        patience,
        download,
        startLog,
        trace,
        budget,
        readahead,
        files);
  }

  public OpenOptions withReplayConcurrency(int requests) {
    return new OpenOptions(
        recorder, replay, requests, fillCache, patience, download, startLog, trace, budget,
        readahead, files);
  }

  public OpenOptions withPatience(Duration limit) {
    return new OpenOptions(
        recorder,
        replay,
        replayConcurrency,
        fillCache,
        limit,
        download,
        startLog,
        trace,
        budget,
        readahead,
        files);
  }

  /** For reading everything once: no replay, and the cache keeps what it has. */
  public OpenOptions forOnePass() {
    return new OpenOptions(
        recorder,
        false,
        replayConcurrency,
        false,
        patience,
        download,
        startLog,
        trace,
        budget,
        readahead,
        files);
  }

  public OpenOptions withDownload(DownloadConfig how) {
    return new OpenOptions(
        recorder,
        replay,
        replayConcurrency,
        fillCache,
        patience,
        how,
        startLog,
        trace,
        budget,
        readahead,
        files);
  }

  public OpenOptions withStartLog(Optional<StartLogging.Target> target) {
    return new OpenOptions(
        recorder,
        replay,
        replayConcurrency,
        fillCache,
        patience,
        download,
        target,
        trace,
        budget,
        readahead,
        files);
  }

  /** With {@link TraceChoice.None} there is no replay. */
  public OpenOptions withTrace(TraceChoice choice) {
    return new OpenOptions(
        recorder,
        replay && !(choice instanceof TraceChoice.None),
        replayConcurrency,
        fillCache,
        patience,
        download,
        startLog,
        choice,
        budget,
        readahead,
        files);
  }

  public OpenOptions withBudget(PrefetchBudget most) {
    return new OpenOptions(
        recorder,
        replay,
        replayConcurrency,
        fillCache,
        patience,
        download,
        startLog,
        trace,
        most,
        readahead,
        files);
  }

  public OpenOptions withReadahead(boolean on) {
    return new OpenOptions(
        recorder,
        replay,
        replayConcurrency,
        fillCache,
        patience,
        download,
        startLog,
        trace,
        budget,
        on,
        files);
  }

  public OpenOptions withFiles(FileList list) {
    return new OpenOptions(
        recorder,
        replay,
        replayConcurrency,
        fillCache,
        patience,
        download,
        startLog,
        trace,
        budget,
        readahead,
        list);
  }
}
