package dev.obd.backstore.device;

import dev.obd.io.LatencySnapshot;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a device did so far. Counters are read one after another while it works, so sums may differ
 * by the requests of that moment.
 *
 * @param ops per kind of request; kinds never seen are absent
 * @param failures how many requests ended otherwise than {@link Status#OK}; absent where none did
 * @param inFlight requests inside the disk, those given up included
 * @param waiting reads that have been under way for a second or more
 * @param stuck requests that were answered over the disk's head and have not come back
 */
public record DeviceStats(
    DeviceState state,
    Map<Op, OpStats> ops,
    Map<Status, Long> failures,
    int inFlight,
    int stuck,
    Waiting waiting,
    @Nullable LastFailure lastFailure) {

  /** How many wait, and how long the one that came first has waited: zero if there is none. */
  public record Waiting(int reads, Duration longest) {}

  /** Requests of one kind that reached the disk; {@code bytes} counts those that ended well. */
  public record OpStats(long count, long bytes, LatencySnapshot latency) {}

  /** The latest failure of the disk, {@code age} ago. */
  public record LastFailure(
      Op op, long offset, long length, Status status, String reason, Duration age) {}
}
