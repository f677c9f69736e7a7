package dev.obd.ublk;

import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Status;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.Mapping;
import java.io.IOException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * A request in the device's hands, with the buffer of its tag. The buffer goes back with the
 * answer; if the disk still holds it then, it is the job's and is freed when the disk lets go.
 */
final class Job implements Completion {
  private static final Logger log = LogManager.getLogger(Job.class);

  private final int tag;
  private final int moved;
  private final Mapping buffer;
  private final Answers answers;
  private int result; // written before the answer is added, read after it was taken
  private boolean overdue;

  /**
   * A job.
   *
   * @param moved what a good answer says
   */
  Job(int tag, int moved, Mapping buffer, Answers answers) {
    this.tag = tag;
    this.moved = moved;
    this.buffer = buffer;
    this.answers = answers;
  }

  int tag() {
    return tag;
  }

  /** What the kernel is told: bytes or a negative error number. */
  int result() {
    return result;
  }

  /** True if the tag needs another buffer. */
  boolean keepsBuffer() {
    return overdue;
  }

  @Override
  public void done(Status status) {
    if (overdue) {
      free();
      return;
    }
    result = resultOf(status, moved);
    if (!answers.add(this)) {
      free();
    }
  }

  @Override
  public void overdue() {
    overdue = true;
    result = resultOf(Status.TIMED_OUT, moved);
    boolean _ = answers.add(this);
  }

  private void free() {
    try {
      buffer.close();
    } catch (IOException e) {
      log.warn("ublk.buffer.leaked bytes={}", buffer, e);
    }
  }

  private static int resultOf(Status status, int moved) {
    return switch (status) {
      case OK -> moved;
      case NO_SPACE -> -Errno.ENOSPC.number();
      case TIMED_OUT -> -Errno.ETIMEDOUT.number();
      // Only a few numbers are more to the block layer than an I/O error.
      case OUT_OF_RANGE, MISALIGNED, READ_ONLY, IO_ERROR, DAMAGED, SHUTTING_DOWN ->
          -Errno.EIO.number();
    };
  }
}
