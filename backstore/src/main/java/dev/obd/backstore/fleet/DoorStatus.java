package dev.obd.backstore.fleet;

import java.util.Optional;

/**
 * Whether a door can be used here.
 *
 * @param unavailableBecause one sentence that says what is missing; empty if it can be used
 */
public record DoorStatus(Door door, Optional<String> unavailableBecause) {}
