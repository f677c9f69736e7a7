package dev.obd.nativeio;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A bell that wakes a thread out of {@link Poll}. Thread-safe. */
public final class EventFd implements Closeable {
  private static final int NON_BLOCKING_CLOSE_ON_EXEC = 0x800 | Fd.CLOSE_ON_EXEC;

  private final Fd fd;
  private final ByteBuffer one = counter(1);

  private EventFd(Fd fd) {
    this.fd = fd;
  }

  public static EventFd create() throws IOException {
    int number = LibC.calls().eventfd(0, NON_BLOCKING_CLOSE_ON_EXEC);
    return new EventFd(Fd.adopt(LibC.checked(number, "eventfd()"), "eventfd"));
  }

  /** To be polled: ready from the first {@link #signal} on until {@link #clear}. */
  public Fd fd() {
    return fd;
  }

  /** Does not wait. */
  public void signal() throws IOException {
    try {
      fd.write(one.duplicate());
    } catch (ErrnoException e) {
      if (!e.is(Errno.EAGAIN)) { // so many signals that one more makes no difference
        throw e;
      }
    }
  }

  /** Takes all signals so far. Does not wait. */
  public void clear() throws IOException {
    try {
      fd.read(counter(0));
    } catch (ErrnoException e) {
      if (!e.is(Errno.EAGAIN)) { // there was none
        throw e;
      }
    }
  }

  private static ByteBuffer counter(long value) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
    return buffer.putLong(0, value);
  }

  @Override
  public void close() throws IOException {
    fd.close();
  }
}
