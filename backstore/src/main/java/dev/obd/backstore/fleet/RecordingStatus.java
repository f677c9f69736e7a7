package dev.obd.backstore.fleet;

import java.time.Instant;

/**
 * A recording on a running device.
 *
 * @param dropped records that found no room
 * @param startOver whether what began with the recording has come to its end, as far as reads tell
 */
public record RecordingStatus(Instant since, int records, long dropped, boolean startOver) {}
