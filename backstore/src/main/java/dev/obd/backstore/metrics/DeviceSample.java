package dev.obd.backstore.metrics;

import dev.obd.backstore.device.DeviceStats;
import dev.obd.backstore.prefetch.ReplayStats;
import java.util.Optional;

/**
 * A device at the moment somebody asks.
 *
 * @param name becomes a label
 * @param state one lower-case word out of few: {@code serving}
 * @param stats empty for a device that is not served
 * @param replay of its trace; empty if there is none
 * @param outageSafe whether all that is recorded of its image is on this machine
 */
public record DeviceSample(
    String name,
    String state,
    Optional<DeviceStats> stats,
    Optional<ReplayStats> replay,
    boolean outageSafe) {}
