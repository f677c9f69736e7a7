package dev.obd.tcmu.scsi;

import dev.obd.backstore.device.Status;

/** Which way the bytes of a command go. Knows how its failures are told. */
enum Direction {
  /** From the disk. */
  IN,
  /** To the disk; flushes and discards too. */
  OUT;

  /** What the initiator hears of a request that ended with {@code status}, which is not OK. */
  ScsiResult failure(Status status) {
    return switch (status) {
      case OK -> throw new IllegalArgumentException("OK is no failure");
      case OUT_OF_RANGE -> ScsiResult.failed(Sense.OUT_OF_RANGE);
      case MISALIGNED -> ScsiResult.failed(Sense.INTERNAL_FAILURE); // blocks are never that
      case READ_ONLY -> ScsiResult.failed(Sense.READ_ONLY);
      case IO_ERROR -> ScsiResult.failed(this == IN ? Sense.READ_ERROR : Sense.WRITE_ERROR);
      case TIMED_OUT -> ScsiResult.failed(this == IN ? Sense.READ_TIMED_OUT : Sense.WRITE_ERROR);
      case DAMAGED -> ScsiResult.failed(this == IN ? Sense.READ_DAMAGED : Sense.WRITE_ERROR);
      case NO_SPACE -> ScsiResult.failed(Sense.NO_SPACE);
      case SHUTTING_DOWN -> new ScsiResult(ScsiResult.BUSY, null, 0);
    };
  }
}
