package dev.obd.tcmu.scsi;

/**
 * Hears how a command ended. {@link #done} is called once, on any thread, perhaps before {@link
 * ScsiDisk#submit} returns; the methods must not block. For one command the calls do not overlap.
 */
@FunctionalInterface
public interface CommandDone {
  /**
   * The disk no longer touches the command's buffers. If {@link #overdue} came before, this only
   * gives them back.
   */
  void done(ScsiResult result);

  /**
   * A read outlived its patience inside the device: this is its answer. The device still holds the
   * command's buffers and may write to them until {@link #done} comes, late or never. Whoever
   * cannot keep them from being used again has to let the command wait for {@link #done}. Called at
   * most once.
   */
  default void overdue(ScsiResult result) {}
}
