package dev.obd.tcmu.scsi;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.ChangeGate;
import dev.obd.backstore.device.Request;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * What the commands of one disk share: the ways to the device.
 *
 * @param workers runs each task on a platform thread of its own, at once; tasks wait
 */
record Service(BlockDevice device, ChangeGate gate, BouncePool pool, Executor workers) {
  /** A command's work in several steps, on a thread that may wait. */
  @FunctionalInterface
  interface Work {
    /** The command's answer. */
    ScsiResult run(Steps steps) throws Refusal;
  }

  /** Work with a buffer of {@link BouncePool#BYTES}. */
  @FunctionalInterface
  interface BufferedWork {
    ScsiResult run(ByteBuffer buffer) throws Refusal;
  }

  static Service of(BlockDevice device, Executor workers) {
    return new Service(device, new ChangeGate(), new BouncePool(), workers);
  }

  void refuseIfReadOnly() throws Refusal {
    if (!device.writable()) {
      throw new Refusal(Sense.READ_ONLY);
    }
  }

  /**
   * Submits {@code requests}, which are all that {@code command} takes; their end is its end.
   *
   * @param moved bytes of its data that they move
   */
  void submit(
      Command command, Direction direction, long moved, List<Request> requests, Executor threads) {
    command.becomes(requests.size(), direction, moved, null);
    submitAll(command, requests, threads);
  }

  /** {@link #submit} of requests that change the disk. */
  void submitChange(Command command, long moved, List<Request> requests, Executor threads) {
    if (gate.tryEnter()) {
      command.becomes(requests.size(), Direction.OUT, moved, gate);
      submitAll(command, requests, threads);
      return;
    }
    laterChange(
        command,
        threads,
        steps -> {
          for (Request request : requests) {
            steps.run(request, Direction.OUT);
          }
          return ScsiResult.good(moved);
        });
  }

  private void submitAll(Command command, List<Request> requests, Executor threads) {
    int last = requests.size() - 1;
    for (int i = 0; i <= last; i++) {
      try {
        // Only the last may stay on this thread: the others would hold it up.
        device.submit(requests.get(i), command, i < last ? workers : threads);
      } catch (RuntimeException | Error e) {
        command.broken(e);
      }
    }
  }

  /** Runs {@code work} on {@code threads} and answers {@code command} with its result. */
  void later(Command command, Executor threads, Work work) {
    try {
      threads.execute(() -> run(command, work));
    } catch (RejectedExecutionException _) {
      command.answer(new ScsiResult(ScsiResult.BUSY, null, 0));
    } catch (OutOfMemoryError _) { // no thread for it
      command.answer(new ScsiResult(ScsiResult.TASK_SET_FULL, null, 0));
    }
  }

  private void run(Command command, Work work) {
    try {
      command.answer(work.run(new Steps(device, command)));
    } catch (Refusal e) {
      command.answer(e.result());
    } catch (RuntimeException | Error e) {
      command.broken(e);
    }
  }

  /** {@link #later}, among other changes of the disk. */
  void laterChange(Command command, Executor threads, Work work) {
    later(
        command,
        threads,
        steps -> {
          gate.enter();
          try {
            return work.run(steps);
          } finally {
            gate.leave();
          }
        });
  }

  /** Lends {@code work} a buffer; if there is none the command has to come again. */
  ScsiResult withBuffer(BufferedWork work) throws Refusal {
    ByteBuffer buffer = pool.take();
    if (buffer == null) {
      return new ScsiResult(ScsiResult.TASK_SET_FULL, null, 0);
    }
    try {
      return work.run(buffer);
    } finally {
      pool.giveBack(buffer);
    }
  }
}
