package dev.obd.nativeio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Waits until one of a few descriptors has something to read. For one thread; the descriptors stay
 * their owner's, who keeps them open while this waits.
 */
public final class Poll {
  // struct pollfd: fd 0, events 4, revents 6
  private static final int ENTRY_BYTES = 8;
  private static final int EVENTS_AT = 4;
  private static final int RESULT_AT = 6;
  private static final short IN = 1;
  private static final short ERROR_OR_HANGUP = 0x8 | 0x10 | 0x20;

  private final Fd[] descriptors;
  private final ByteBuffer entries;

  public Poll(Fd... descriptors) throws IOException {
    this.descriptors = descriptors.clone();
    this.entries =
        ByteBuffer.allocateDirect(descriptors.length * ENTRY_BYTES).order(ByteOrder.nativeOrder());
    for (int i = 0; i < descriptors.length; i++) {
      entries.putInt(i * ENTRY_BYTES, descriptors[i].number());
      entries.putShort(i * ENTRY_BYTES + EVENTS_AT, IN);
    }
  }

  /**
   * Waits up to {@code timeoutMillis}; -1 is for ever, 0 only looks. Not interruptible.
   *
   * @return true if at least one is {@link #ready}
   */
  public boolean await(int timeoutMillis) throws IOException {
    int count;
    do {
      count = LibC.calls().poll(entries, descriptors.length, timeoutMillis);
    } while (count < 0 && LibC.errno() == Errno.EINTR.number());
    return LibC.checked(count, "poll(" + descriptors.length + " descriptors)") > 0;
  }

  /**
   * True if the last {@link #await} found that a read of descriptor {@code index} will not wait.
   */
  public boolean ready(int index) {
    return result(index) != 0;
  }

  /** True if it found that the other side of descriptor {@code index} is gone or broken. */
  public boolean broken(int index) {
    return (result(index) & ERROR_OR_HANGUP) != 0;
  }

  private short result(int index) {
    return entries.getShort(index * ENTRY_BYTES + RESULT_AT);
  }
}
