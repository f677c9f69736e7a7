package dev.obd.nativeio;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file descriptor that this process owns. Thread-safe: closing it while calls are under way lets
 * them end first (it does not wake them), so that no call ever reaches a descriptor number that has
 * been given to somebody else. Always close-on-exec.
 */
public final class Fd implements Closeable {
  /** {@code open(2)} for reading. */
  public static final int READ_ONLY = 0;

  /** {@code open(2)} for reading and writing. */
  public static final int READ_WRITE = 2;

  /** With a block device: fails with EBUSY if somebody has claimed it, a mount for example. */
  public static final int EXCLUSIVE = 0x80;

  /** Calls that would wait fail with EAGAIN instead. */
  public static final int NON_BLOCKING = 0x800;

  static final int CLOSE_ON_EXEC = 0x80000;

  private static final long FICLONE = 0x4004_9409L;

  private static final int KEEP_SIZE = 1;
  private static final int PUNCH_HOLE = 2;

  /** Set in {@link #users} once closed; the lower bits count calls under way. */
  private static final int CLOSED = 1 << 30;

  private final int number;
  private final String name;
  private final AtomicInteger users = new AtomicInteger();

  private Fd(int number, String name) {
    this.number = number;
    this.name = name;
  }

  /** Opens {@code path}; {@code flags} is one of the constants here, or several or-ed. */
  public static Fd open(Path path, int flags) throws IOException {
    int number;
    do {
      number = LibC.calls().open(path.toString(), flags | CLOSE_ON_EXEC, 0);
    } while (number < 0 && LibC.errno() == Errno.EINTR.number());
    return new Fd(LibC.checked(number, "open(" + path + ")"), path.toString());
  }

  /** Takes over a descriptor that somebody else opened close-on-exec. */
  static Fd adopt(int number, String name) {
    return new Fd(number, name);
  }

  /** What was opened, for messages. */
  public String name() {
    return name;
  }

  /**
   * The number, for an argument that takes one. It stays this descriptor's only as long as the
   * caller sees to it that nobody closes this.
   */
  public int number() throws IOException {
    enter();
    leave();
    return number;
  }

  /**
   * One {@code read(2)} into {@code dst}, a direct buffer, from its position on.
   *
   * @return bytes read, 0 at the end of the file
   */
  public int read(ByteBuffer dst) throws IOException {
    requireDirect(dst);
    enter();
    try {
      long count;
      do {
        count = LibC.calls().read(number, dst, dst.remaining());
      } while (count < 0 && LibC.errno() == Errno.EINTR.number());
      if (count < 0) {
        throw new ErrnoException("read(" + name + ")", LibC.errno());
      }
      dst.position(dst.position() + (int) count);
      return (int) count;
    } finally {
      leave();
    }
  }

  /**
   * One {@code write(2)} of {@code src}, a direct buffer, from its position on.
   *
   * @return bytes written
   */
  public int write(ByteBuffer src) throws IOException {
    requireDirect(src);
    enter();
    try {
      long count;
      do {
        count = LibC.calls().write(number, src, src.remaining());
      } while (count < 0 && LibC.errno() == Errno.EINTR.number());
      if (count < 0) {
        throw new ErrnoException("write(" + name + ", " + src.remaining() + ")", LibC.errno());
      }
      src.position(src.position() + (int) count);
      return (int) count;
    } finally {
      leave();
    }
  }

  /**
   * {@code ioctl(2)} with a structure.
   *
   * @param label what the request is called, for the message
   * @param argument a direct buffer that holds the whole structure from its position on
   */
  public int ioctl(String label, long request, ByteBuffer argument) throws IOException {
    requireDirect(argument);
    enter();
    try {
      int result = LibC.calls().ioctl(number, request, argument);
      return LibC.checked(result, "ioctl(" + name + ", " + label + ")");
    } finally {
      leave();
    }
  }

  /** {@code ioctl(2)} with a number, or with none: 0. */
  public int ioctl(String label, long request, long argument) throws IOException {
    enter();
    try {
      int result = LibC.calls().ioctl(number, request, argument);
      return LibC.checked(result, "ioctl(" + name + ", " + label + ", " + argument + ")");
    } finally {
      leave();
    }
  }

  /**
   * Gives the range's blocks back to the file system: it reads as zeros afterwards and the file
   * keeps its size. Fails with EOPNOTSUPP where the file system cannot.
   */
  public void punchHole(long offset, long length) throws IOException {
    enter();
    try {
      int result;
      do {
        result = LibC.calls().fallocate(number, KEEP_SIZE | PUNCH_HOLE, offset, length);
      } while (result < 0 && LibC.errno() == Errno.EINTR.number());
      LibC.checked(result, "fallocate(" + name + ", PUNCH_HOLE, " + offset + ", " + length + ")");
    } finally {
      leave();
    }
  }

  /**
   * Reserves the range's blocks, so that writing there cannot fail for want of space. The file
   * grows if the range leaves it. Fails with EOPNOTSUPP where the file system cannot.
   */
  public void allocate(long offset, long length) throws IOException {
    enter();
    try {
      int result;
      do {
        result = LibC.calls().fallocate(number, 0, offset, length);
      } while (result < 0 && LibC.errno() == Errno.EINTR.number());
      LibC.checked(result, "fallocate(" + name + ", " + offset + ", " + length + ")");
    } finally {
      leave();
    }
  }

  /**
   * Makes this file, open for writing, a copy of {@code source} that shares its blocks until either
   * is written. Fails with EOPNOTSUPP where the file system cannot, EXDEV between two of them.
   */
  public void cloneFrom(Fd source) throws IOException {
    source.enter();
    try {
      ioctl("FICLONE of " + source.name, FICLONE, source.number);
    } finally {
      source.leave();
    }
  }

  @Override
  public void close() throws IOException {
    while (true) {
      int now = users.get();
      if (now >= CLOSED) {
        return;
      }
      if (users.compareAndSet(now, now | CLOSED)) {
        if (now == 0) {
          release();
        }
        return;
      }
    }
  }

  private void enter() throws ClosedChannelException {
    while (true) {
      int now = users.get();
      if (now >= CLOSED) {
        throw new ClosedChannelException();
      }
      if (users.compareAndSet(now, now + 1)) {
        return;
      }
    }
  }

  private void leave() throws IOException {
    if (users.decrementAndGet() == CLOSED) {
      release();
    }
  }

  private void release() throws IOException {
    // Not repeated after EINTR: Linux has let go of the number by then.
    int result = LibC.calls().close(number);
    if (result < 0 && LibC.errno() != Errno.EINTR.number()) {
      throw new ErrnoException("close(" + name + ")", LibC.errno());
    }
  }

  private static void requireDirect(ByteBuffer buffer) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException("not a direct buffer: " + buffer);
    }
  }

  @Override
  public String toString() {
    return "Fd[" + number + " " + name + "]";
  }
}
