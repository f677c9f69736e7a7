package dev.obd.backstore.fleet;

import java.util.Locale;
import java.util.Optional;

/** Ways to a device node, best first. */
public enum Door {
  /** A SCSI disk of the kernel's target core. */
  TCMU("tcmu"),
  /** A block device of the kernel's ublk driver. */
  UBLK("ublk"),
  /** A block device of the kernel's NBD client. */
  NBD("nbd-device"),
  /** A file over FUSE, with a loop device where this process may make one. */
  FUSE("fuse");

  private final String scheme;

  Door(String scheme) {
    this.scheme = scheme;
  }

  /** Of its front-end. */
  String scheme() {
    return scheme;
  }

  /** As users write it: {@code tcmu}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** By its label. */
  public static Optional<Door> of(String label) {
    for (Door door : values()) {
      if (door.label().equals(label)) {
        return Optional.of(door);
      }
    }
    return Optional.empty();
  }
}
