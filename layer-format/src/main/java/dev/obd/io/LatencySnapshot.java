package dev.obd.io;

import java.util.List;

/**
 * How long something took, in nanoseconds; the quantiles are at most 12.5 % too high.
 *
 * @param below element i: how many took less than 2^i nanoseconds, for i from 0 to 62
 */
public record LatencySnapshot(
    long count,
    long totalNanos,
    long medianNanos,
    long p99Nanos,
    long maxNanos,
    List<Long> below) {}
