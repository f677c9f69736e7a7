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
 * @param ahead what is fetched before anybody asks for it
 * @param fillCache whether what is read over a network is kept in the cache; what is there is used
 *     in any case
 * @param patience how long opening may take in all
 * @param download whether, and how, remote layers with a directory are completed there; needs an
 *     opener that can
 * @param startLog where to write what happens from now on; empty to log nothing
 */
public record OpenOptions(
    Optional<AccessSink> recorder,
    Ahead ahead,
    boolean fillCache,
    Duration patience,
    DownloadConfig download,
    Optional<StartLogging.Target> startLog) {
  /**
   * What is fetched before anybody asks for it.
   *
   * @param replay whether the image's trace is replayed
   * @param concurrency requests of the replay in flight at once
   * @param trace which recordings are replayed, if any are
   * @param budget how much the replay may fetch
   * @param readahead whether who reads a remote layer in order is fetched ahead of
   * @param files to prefetch besides what the image says, and after it; nothing without replay
   */
  public record Ahead(
      boolean replay,
      int concurrency,
      TraceChoice trace,
      PrefetchBudget budget,
      boolean readahead,
      FileList files) {
    public Ahead {
      if (concurrency < 1 || concurrency > 256) {
        throw new IllegalArgumentException(
            "replay concurrency: expected 1 to 256, got " + concurrency);
      }
    }

    private Ahead withReplay(boolean on) {
      return new Ahead(on, concurrency, trace, budget, readahead, files);
    }
  }

  /** Replay by 16, no recording, the cache is filled, one minute, no download. */
  public static final OpenOptions DEFAULTS =
      new OpenOptions(
          Optional.empty(),
          new Ahead(
              true,
              16,
              new TraceChoice.All(),
              new PrefetchBudget.Unlimited(),
              false,
              FileList.EMPTY),
          true,
          Duration.ofSeconds(60),
          DownloadConfig.DEFAULTS,
          Optional.empty());

  /** Recording turns replay off: what replay fetched would not be what the start needed. */
  public OpenOptions withRecorder(AccessSink sink) {
    return new OpenOptions(
        Optional.of(sink), ahead.withReplay(false), fillCache, patience, download, startLog);
  }

  public OpenOptions withReplay(boolean on) {
    return with(ahead.withReplay(on));
  }

  public OpenOptions withReplayConcurrency(int requests) {
    return with(
        new Ahead(ahead.replay, requests, ahead.trace, ahead.budget, ahead.readahead, ahead.files));
  }

  public OpenOptions withPatience(Duration limit) {
    return new OpenOptions(recorder, ahead, fillCache, limit, download, startLog);
  }

  /** For reading everything once: no replay, and the cache keeps what it has. */
  public OpenOptions forOnePass() {
    return new OpenOptions(recorder, ahead.withReplay(false), false, patience, download, startLog);
  }

  public OpenOptions withDownload(DownloadConfig how) {
    return new OpenOptions(recorder, ahead, fillCache, patience, how, startLog);
  }

  public OpenOptions withStartLog(Optional<StartLogging.Target> target) {
    return new OpenOptions(recorder, ahead, fillCache, patience, download, target);
  }

  /** With {@link TraceChoice.None} there is no replay. */
  public OpenOptions withTrace(TraceChoice choice) {
    boolean replay = ahead.replay && !(choice instanceof TraceChoice.None);
    return with(
        new Ahead(replay, ahead.concurrency, choice, ahead.budget, ahead.readahead, ahead.files));
  }

  public OpenOptions withBudget(PrefetchBudget most) {
    return with(
        new Ahead(
            ahead.replay, ahead.concurrency, ahead.trace, most, ahead.readahead, ahead.files));
  }

  public OpenOptions withReadahead(boolean on) {
    return with(
        new Ahead(ahead.replay, ahead.concurrency, ahead.trace, ahead.budget, on, ahead.files));
  }

  public OpenOptions withFiles(FileList list) {
    return with(
        new Ahead(
            ahead.replay, ahead.concurrency, ahead.trace, ahead.budget, ahead.readahead, list));
  }

  private OpenOptions with(Ahead other) {
    return new OpenOptions(recorder, other, fillCache, patience, download, startLog);
  }
}
