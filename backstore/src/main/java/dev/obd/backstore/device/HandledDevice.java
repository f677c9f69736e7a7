package dev.obd.backstore.device;

import java.nio.file.Path;
import java.util.Optional;

/**
 * One device of a {@link Handling}.
 *
 * @param address what the kernel calls it: {@code uio3}
 * @param name its name in the kernel's configuration: {@code dev_17}
 * @param config what its {@link DeviceSource} opens
 * @param node the block device, if one is known: {@code /dev/sdb}
 */
public record HandledDevice(
    String address, String name, String config, Optional<Path> node, State state) {
  /** Whether it is served. */
  public sealed interface State {
    /** Its image is being opened; requests wait. */
    record Opening() implements State {}

    /** Served. */
    record Serving(BlockDevice device) implements State {}

    /**
     * Its image could not be opened; that is tried again. Requests wait as long as their patience
     * lasts.
     *
     * @param reason for humans
     * @param tries how often it was tried
     */
    record Parked(String reason, int tries) implements State {}

    /** Given up, because what the kernel said made no sense; {@code reason} is for humans. */
    record Ended(String reason) implements State {}
  }
}
