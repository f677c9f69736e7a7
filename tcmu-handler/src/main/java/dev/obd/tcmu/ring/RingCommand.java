package dev.obd.tcmu.ring;

import dev.obd.tcmu.scsi.CommandDone;
import dev.obd.tcmu.scsi.ScsiResult;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A command on its way through the target; used again once it is answered and done. */
final class RingCommand implements CommandDone {
  /** Blocks of these sizes, nearly all there are, are kept. */
  private static final int LARGEST_KEPT_BLOCK = 16;

  // Bits of state.
  static final int ANSWERED = 1; // an answer is on its way to the ring, or there
  static final int KEPT = 2; // that answer kept the buffers
  static final int WRITTEN = 4; // the kernel has it
  static final int DONE = 8; // the target does not touch the buffers any more

  private final CommandRing ring;
  private final byte[][] blocks = new byte[LARGEST_KEPT_BLOCK + 1][];
  private final AtomicInteger state = new AtomicInteger();

  final List<ByteBuffer> data = new ArrayList<>();
  int number;
  long dataBytes;
  byte[] block = new byte[0];

  /** Never used again, because the target threw it back. */
  volatile boolean orphan;

  /** Set before this is given to the ring's answers, which then own it. */
  @Nullable ScsiResult result;

  /** In one of the ring's lists. */
  @Nullable RingCommand next;

  /** For answers in order: {@link #result} may go out. Guarded by the ring's writer. */
  boolean ready;

  RingCommand(CommandRing ring) {
    this.ring = ring;
  }

  byte[] block(int bytes) {
    if (bytes > LARGEST_KEPT_BLOCK) {
      return new byte[bytes];
    }
    byte[] block = blocks[bytes];
    if (block == null) {
      block = new byte[bytes];
      blocks[bytes] = block;
    }
    return block;
  }

  /** Sets a bit; the result is what was set before. */
  int set(int bit) {
    return state.getAndUpdate(now -> now | bit);
  }

  boolean is(int bit) {
    return (state.get() & bit) != 0;
  }

  void renew() {
    state.set(0);
    data.clear();
    dataBytes = 0;
    result = null;
    next = null;
    ready = false;
  }

  @Override
  public void done(ScsiResult end) {
    int before = set(DONE);
    if ((before & DONE) == 0) {
      ring.done(this, end, before);
    }
  }

  @Override
  public void overdue(ScsiResult answer) {
    if (!is(ANSWERED) && !is(DONE)) {
      ring.overdue(this, answer);
    }
  }
}
