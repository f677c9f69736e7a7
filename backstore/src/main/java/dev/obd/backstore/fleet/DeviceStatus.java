package dev.obd.backstore.fleet;

import dev.obd.backstore.device.DeviceStats;
import dev.obd.backstore.device.StallReport;
import dev.obd.backstore.download.DownloadStatus;
import dev.obd.backstore.image.LayerState;
import dev.obd.backstore.prefetch.ReplayStats;
import dev.obd.backstore.source.ReadStats;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * One device, at one moment.
 *
 * @param id what calls name it by: an attachment's name, or the path of the configuration
 * @param source what is served
 * @param devId after the {@code ;} of overlaybd's device configuration
 * @param attachment if a user attached it
 * @param node its device node, if it is known
 * @param since when it was opened last
 * @param opens how often it was opened
 * @param lastError why it could not be opened the last time that failed
 * @param live what only an open device has
 */
public record DeviceStatus(
    String id,
    String source,
    Optional<String> devId,
    Optional<Attachment> attachment,
    State state,
    Optional<String> node,
    Optional<Instant> since,
    int opens,
    Optional<String> lastError,
    Optional<Live> live) {
  /** Whether it is served. */
  public sealed interface State {
    /** Its image is being opened. */
    record Opening() implements State {}

    /** Served. */
    record Serving() implements State {}

    /**
     * Its image could not be opened; that is tried again.
     *
     * @param reason for humans
     */
    record Parked(String reason, int tries) implements State {}

    /**
     * It is gone, and only its record is left: to be cleared by {@link Fleet#clearStale}.
     *
     * @param reason for humans
     */
    record Lost(String reason) implements State {}

    /** Given up, because what the kernel said made no sense; {@code reason} is for humans. */
    record Ended(String reason) implements State {}
  }

  /**
   * An open device.
   *
   * @param sizeBytes of the disk
   * @param remote reads over a network since it was opened
   * @param stall why its reads do not get on, if they do not
   * @param outageSafeSince since when all that is recorded of its image is on this machine
   */
  public record Live(
      long sizeBytes,
      boolean writable,
      DeviceStats io,
      ReadStats.Snapshot remote,
      Optional<StallReport> stall,
      List<LayerState> layers,
      Optional<ReplayStats> replay,
      Optional<DownloadStatus> download,
      Optional<RecordingStatus> recording,
      Optional<Instant> outageSafeSince) {}
}
