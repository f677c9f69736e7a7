package dev.obd.backstore.device;

/** How a request ended. A front-end maps it with one exhaustive switch. */
public enum Status {
  OK,
  /** The range leaves the disk. */
  OUT_OF_RANGE,
  /** Offset or length is not a multiple of 512 where it has to be. */
  MISALIGNED,
  /** A write to a read-only device. */
  READ_ONLY,
  /** The bytes cannot be had, or could not be stored; the device's log and status say why. */
  IO_ERROR,
  /** The read's patience ran out. */
  TIMED_OUT,
  /** The stored bytes proved to be wrong and no good copy is to be had. */
  DAMAGED,
  /** No space to store a write. */
  NO_SPACE,
  /** The device is shutting down. */
  SHUTTING_DOWN
}
