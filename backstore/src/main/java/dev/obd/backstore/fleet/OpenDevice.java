package dev.obd.backstore.fleet;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.download.Downloads;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.Locality;
import dev.obd.backstore.prefetch.ReplayStats;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.io.Ticker;
import dev.obd.trace.TraceRecorder;
import dev.obd.trace.runs.RecorderWatch;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/** An open image that is served as a device. Thread-safe. */
final class OpenDevice {
  private static final Logger log = LogManager.getLogger(OpenDevice.class);

  private record Recording(
      TraceRecorder recorder, RecorderWatch watch, Instant since, long fromNanos) {}

  private final String id;
  private final String source;
  private final Optional<String> devId;
  private final Image image;
  private final BlockDevice device;
  private final Instant since;
  private final OutageWatch outage;
  private volatile Duration prefetchPatience = Duration.ZERO;
  private @Nullable Recording recording; // guarded by this

  OpenDevice(
      String id,
      String source,
      Optional<String> devId,
      Image image,
      BlockDevice device,
      Instant since,
      OutageWatch outage) {
    this.id = id;
    this.source = source;
    this.devId = devId;
    this.image = image;
    this.device = device;
    this.since = since;
    this.outage = outage;
  }

  String id() {
    return id;
  }

  String source() {
    return source;
  }

  Optional<String> devId() {
    return devId;
  }

  Image image() {
    return image;
  }

  BlockDevice device() {
    return device;
  }

  Instant since() {
    return since;
  }

  synchronized void startRecording(int maxRecords, InstantSource clock, Ticker ticker)
      throws IOException {
    TraceRecorder recorder = new TraceRecorder(maxRecords);
    if (!image.accesses().connect(recorder)) {
      throw new FleetException(
          FleetException.Kind.CONFLICT, id + ": a recording is under way already");
    }
    recorder.start();
    recording =
        new Recording(recorder, new RecorderWatch(recorder), clock.instant(), ticker.nanos());
  }

  synchronized Recorded stopRecording(Ticker ticker) throws IOException {
    Recording ended = recording;
    if (ended == null) {
      throw new FleetException(FleetException.Kind.CONFLICT, id + ": no recording is under way");
    }
    recording = null;
    ended.recorder.stop();
    image.accesses().disconnect(ended.recorder);
    return new Recorded(
        source,
        ended.recorder.snapshot(),
        ended.recorder.dropped(),
        Duration.ofNanos(ticker.nanos() - ended.fromNanos));
  }

  /** How long {@link #awaitPrefetch()} waits; not at all unless this was called. */
  void prefetchPatience(Duration limit) {
    prefetchPatience = limit;
  }

  /** As {@link #awaitPrefetch(Duration)}, as long as the device's configuration wants. */
  void awaitPrefetch() throws IOException {
    awaitPrefetch(prefetchPatience);
  }

  /**
   * Returns once what is prefetched is here, or {@code limit} is over. Closes the device if the
   * thread is interrupted.
   */
  void awaitPrefetch(Duration limit) throws IOException {
    Optional<Replayer> replayer = image.replayer();
    if (replayer.isEmpty() || limit.isZero()) {
      return;
    }
    boolean done;
    try {
      done = replayer.get().awaitDone(limit);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      device.close();
      throw new InterruptedIOException(id + ": interrupted while waiting for the prefetch");
    }
    ReplayStats stats = replayer.get().stats();
    log.info(
        "prefetch.awaited device={} done={} bytes={} of={}",
        id,
        done,
        stats.bytes(),
        stats.rangeBytes());
  }

  Optional<Locality> locality() {
    return image.locality();
  }

  private synchronized Optional<RecordingStatus> recording() {
    return Optional.ofNullable(recording)
        .map(r ->
            new RecordingStatus(
                r.since, r.recorder.size(), r.recorder.dropped(), r.watch.isOver()));
  }

  DeviceStatus.Live live() {
    return new DeviceStatus.Live(
        device.size(),
        device.writable(),
        device.stats(),
        image.remoteReads().snapshot(),
        device.stall(),
        image.layerStates(),
        image.replayer().map(Replayer::stats),
        image.download().map(Downloads::status),
        recording(),
        outage.since());
  }
}
