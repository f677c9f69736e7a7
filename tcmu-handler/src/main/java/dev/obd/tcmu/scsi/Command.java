package dev.obd.tcmu.scsi;

import dev.obd.backstore.device.ChangeGate;
import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Status;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One command until its answer, which is given once. Hears the requests that it became, if they
 * were announced by {@link #becomes}.
 */
final class Command implements Completion {
  private static final Logger log = LogManager.getLogger(Command.class);
  private static final VarHandle OPEN = handle("open", int.class);
  private static final VarHandle FAILED = handle("failed", Status.class);
  private static final VarHandle ANSWERED = handle("answered", boolean.class);
  private static final VarHandle OVERDUE = handle("overdue", boolean.class);

  private final Cdb cdb;
  private final DataBuffers data;
  private final CommandDone done;

  private Direction direction = Direction.IN;
  private long bytes;
  private @Nullable ChangeGate gate;

  // By name, through the handles above.
  private volatile int open;
  private volatile @Nullable Status failed;
  private volatile boolean answered;
  private volatile boolean overdue;

  Command(Cdb cdb, DataBuffers data, CommandDone done) {
    this.cdb = cdb;
    this.data = data;
    this.done = done;
  }

  private static VarHandle handle(String field, Class<?> type) {
    try {
      return MethodHandles.lookup().findVarHandle(Command.class, field, type);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  Cdb cdb() {
    return cdb;
  }

  DataBuffers data() {
    return data;
  }

  /** Ends it; nothing happens if it has ended. */
  void answer(ScsiResult result) {
    if (!answered && ANSWERED.compareAndSet(this, false, true)) {
      done.done(result);
    }
  }

  /** It, or one of its requests, met a defect of ours. */
  void broken(Throwable why) {
    log.error("scsi.command.broken opcode={}", cdb.opcode(), why);
    if (open > 0) {
      done(Status.IO_ERROR); // the others may still be under way
    } else {
      answer(ScsiResult.failed(Sense.INTERNAL_FAILURE));
    }
  }

  /**
   * Says which requests come, before the first is submitted with this as its completion. Their end
   * is the command's.
   *
   * @param moved bytes of data that they move
   * @param left is left at the end; null if none was entered
   */
  void becomes(int requests, Direction towards, long moved, @Nullable ChangeGate left) {
    direction = towards;
    bytes = moved;
    gate = left;
    open = requests;
  }

  @Override
  public void done(Status status) {
    if (status != Status.OK) {
      FAILED.compareAndSet(this, null, status); // the first one is told
    }
    if ((int) OPEN.getAndAdd(this, -1) != 1) {
      return;
    }
    if (gate != null) {
      gate.leave();
    }
    Status end = failed;
    answer(end == null ? ScsiResult.good(bytes) : direction.failure(end));
  }

  /** True if its failure was told before its end. A request that has ended changes this no more. */
  boolean isOverdue() {
    return overdue;
  }

  @Override
  public void overdue() {
    if (!overdue && OVERDUE.compareAndSet(this, false, true)) {
      done.overdue(Direction.IN.failure(Status.TIMED_OUT)); // only reads are given up
    }
  }
}
