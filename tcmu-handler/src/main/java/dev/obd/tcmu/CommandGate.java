package dev.obd.tcmu;

import dev.obd.io.Deadline;
import dev.obd.io.Ticker;
import dev.obd.tcmu.ring.CommandTarget;
import dev.obd.tcmu.scsi.CommandDone;
import dev.obd.tcmu.scsi.ScsiResult;
import dev.obd.tcmu.scsi.Sense;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Holds commands until there is a disk for them, or their patience is over. Thread-safe. It holds
 * no more than its ring has in flight.
 */
final class CommandGate implements CommandTarget {
  /** NOT READY, CAUSE NOT REPORTABLE, which Linux does not try again. */
  static final ScsiResult NOT_READY =
      new ScsiResult(ScsiResult.CHECK_CONDITION, new Sense(2, 4, 0, false, 0), 0);

  /** A command that waits. */
  private interface Waiting {
    void submitTo(CommandTarget disk);
  }

  private record Held(Waiting command, CommandDone done, Deadline deadline) {}

  private final Ticker ticker;
  private final Duration patience;
  private final Deque<Held> held = new ArrayDeque<>(); // guarded by this
  private volatile @Nullable CommandTarget target;

  CommandGate(Ticker ticker, Duration patience) {
    this.ticker = ticker;
    this.patience = patience;
  }

  @Override
  public void submit(byte[] cdb, List<ByteBuffer> data, CommandDone done) {
    CommandTarget behind = target;
    if (behind == null) {
      synchronized (this) {
        behind = target;
        if (behind == null) {
          held.add(
              new Held(
                  disk -> disk.submit(cdb, data, done), done, Deadline.after(ticker, patience)));
          return;
        }
      }
    }
    behind.submit(cdb, data, done);
  }

  /** From now on commands go to {@code behind}, those that are held first. */
  void open(CommandTarget behind) {
    while (true) {
      List<Held> waiting;
      synchronized (this) {
        if (held.isEmpty()) {
          target = behind;
          return;
        }
        waiting = new ArrayList<>(held);
        held.clear();
      }
      waiting.forEach(h -> h.command.submitTo(behind));
    }
  }

  /** Answers those whose patience is over. */
  void expire() {
    var late = new ArrayList<Held>();
    synchronized (this) {
      while (!held.isEmpty() && held.peek().deadline.expired()) {
        late.add(held.poll());
      }
    }
    late.forEach(h -> h.done.done(NOT_READY));
  }

  int held() {
    synchronized (this) {
      return held.size();
    }
  }

  /** Answers all that are held, and all that come. */
  void refuse() {
    open((_, _, done) -> done.done(NOT_READY));
  }
}
