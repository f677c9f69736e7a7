package dev.obd.backstore.fleet;

import java.time.Instant;

/**
 * A recording on a running device.
 *
 * @param dropped records that found no room
 */
public record RecordingStatus(Instant since, int records, long dropped) {}
