package dev.obd.backstore.fleet;

import java.util.Optional;

/**
 * A device that was resized.
 *
 * @param sizeBytes now
 * @param note when its users will know; empty if they know now
 */
public record Resized(long sizeBytes, Optional<String> note) {}
