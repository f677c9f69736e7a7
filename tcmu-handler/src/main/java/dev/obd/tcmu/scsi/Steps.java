package dev.obd.tcmu.scsi;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import java.nio.ByteBuffer;

/**
 * What a command that takes more than one request does with the device: one request after the
 * other, on a thread that may wait. If one is overdue the command is, while the thread still waits.
 */
final class Steps implements Completion {
  private final BlockDevice device;
  private final Command command;
  private Status last = Status.IO_ERROR;

  Steps(BlockDevice device, Command command) {
    this.device = device;
    this.command = command;
  }

  /** Fills {@code into} to its limit. */
  void read(long offset, ByteBuffer into) throws Refusal {
    run(new Request.Read(offset, into), Direction.IN);
  }

  void write(long offset, ByteBuffer from, boolean fua) throws Refusal {
    run(new Request.Write(offset, from, fua), Direction.OUT);
  }

  void flush() throws Refusal {
    run(new Request.Flush(), Direction.OUT);
  }

  void run(Request request, Direction direction) throws Refusal {
    if (direction == Direction.OUT && command.isOverdue()) {
      // Its failure has been told: whoever asked may have written something newer by now.
      throw new Refusal(direction.failure(Status.TIMED_OUT));
    }
    device.submit(request, this, Runnable::run); // done() comes before this returns
    if (last != Status.OK) {
      throw new Refusal(direction.failure(last));
    }
  }

  @Override
  public void done(Status status) {
    last = status;
  }

  @Override
  public void overdue() {
    command.overdue();
  }
}
