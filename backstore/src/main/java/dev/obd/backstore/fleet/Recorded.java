package dev.obd.backstore.fleet;

import dev.obd.trace.Trace;
import java.time.Duration;

/**
 * A recording that ended.
 *
 * @param source what was recorded on
 * @param dropped records that found no room
 * @param time it took
 */
public record Recorded(String source, Trace trace, long dropped, Duration time) {}
