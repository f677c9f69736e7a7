package dev.obd.backstore.explain;

/**
 * How a start goes, or went.
 *
 * @param micros from the beginning of the log to the end of the last read
 * @param stalledMicros while at least one read of the disk waited for the wire
 * @param bytes over the wire, those included that came after the last read
 * @param requests for them
 */
public record Prediction(long micros, long stalledMicros, long bytes, long requests) {}
