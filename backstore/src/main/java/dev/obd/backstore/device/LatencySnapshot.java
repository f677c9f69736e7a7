package dev.obd.backstore.device;

/** How long requests took, in nanoseconds; the quantiles are at most 12.5 % too high. */
public record LatencySnapshot(
    long count, long totalNanos, long medianNanos, long p99Nanos, long maxNanos) {}
