package dev.obd.tcmu.scsi;

import org.jspecify.annotations.Nullable;

/**
 * How a command ended.
 *
 * @param status the SCSI status byte: one of the constants here
 * @param sense what went wrong; there exactly with {@link #CHECK_CONDITION}
 * @param transferred bytes that were put into the command's buffers, or taken from them
 */
public record ScsiResult(int status, @Nullable Sense sense, long transferred) {
  public static final int GOOD = 0x00;
  public static final int CHECK_CONDITION = 0x02;

  /** Not now; the initiator tries again. */
  public static final int BUSY = 0x08;

  /** No room for this command; the initiator tries again, with fewer at once. */
  public static final int TASK_SET_FULL = 0x28;

  public ScsiResult {
    if ((status == CHECK_CONDITION) != (sense != null)) {
      throw new IllegalArgumentException("status " + status + " with sense " + sense);
    }
  }

  static ScsiResult good(long transferred) {
    return new ScsiResult(GOOD, null, transferred);
  }

  static ScsiResult failed(Sense sense) {
    return new ScsiResult(CHECK_CONDITION, sense, 0);
  }
}
