package dev.obd.nativeio;

import com.kenai.jffi.MemoryIO;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Memory outside the heap: shared with a file or device, or of this process alone. The buffer must
 * not be touched after {@link #close}: the process would die of it, so whoever closes this stops
 * all users first.
 */
public final class Mapping implements Closeable {
  private static final int PROT_READ = 1;
  private static final int PROT_WRITE = 2;
  private static final int MAP_SHARED = 1;
  private static final int MAP_PRIVATE = 2;
  private static final int MAP_ANONYMOUS = 0x20;
  private static final int MADV_POPULATE_READ = 22; // Linux 5.14

  /** Page sizes are powers of two from here on. */
  private static final long SMALLEST_PAGE = 4096;

  private final long address;
  private final int length;
  private final ByteBuffer buffer;
  private final AtomicBoolean closed = new AtomicBoolean();

  private Mapping(long address, int length, boolean writable) {
    ByteBuffer memory = MemoryIO.getInstance().newDirectByteBuffer(address, length);
    this.address = address;
    this.length = length;
    this.buffer = (writable ? memory : memory.asReadOnlyBuffer()).order(ByteOrder.nativeOrder());
  }

  /**
   * Maps {@code [offset, offset + length)} of {@code fd}, shared with its other users.
   *
   * @param offset bytes, a multiple of the page size
   * @param length bytes, 1 to 2^31 - 1
   */
  public static Mapping shared(Fd fd, long offset, int length, boolean writable)
      throws IOException {
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    long address = LibC.calls().mmap(null, length, protection, MAP_SHARED, fd.number(), offset);
    if (address == -1) {
      String call = "mmap(" + fd.name() + ", offset " + offset + ", length " + length + ")";
      throw new ErrnoException(call, LibC.errno());
    }
    return new Mapping(address, length, writable);
  }

  /**
   * Memory that nobody else has: zeros, and taken from the machine page by page as it is written.
   *
   * @param length bytes, 1 to 2^31 - 1
   */
  public static Mapping anonymous(int length) throws IOException {
    long address =
        LibC.calls().mmap(null, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == -1) {
      throw new ErrnoException("mmap(anonymous, length " + length + ")", LibC.errno());
    }
    return new Mapping(address, length, true);
  }

  /** Where it begins, for a structure that tells the kernel. */
  public long address() {
    return address;
  }

  /** The memory in the machine's byte order; each caller that moves its position duplicates it. */
  public ByteBuffer buffer() {
    if (closed.get()) {
      throw new IllegalStateException("this mapping is closed");
    }
    return buffer;
  }

  /**
   * False if touching the range would kill the process, because there is no memory behind it.
   * Devices can have holes; files that shrink, too. True where the kernel cannot say.
   */
  public boolean isBacked(long offset, long bytes) {
    if (offset < 0 || bytes < 0 || offset > length - bytes) {
      return false;
    }
    long from = (address + offset) & -SMALLEST_PAGE;
    long to = address + offset + bytes;
    if (bytes == 0 || LibC.calls().madvise(from, to - from, MADV_POPULATE_READ) == 0) {
      return true;
    }
    int errno = LibC.errno();
    return errno != Errno.EFAULT.number() && errno != Errno.ENOMEM.number();
  }

  @Override
  public void close() throws IOException {
    if (closed.compareAndSet(false, true)) {
      LibC.checked(LibC.calls().munmap(address, length), "munmap(" + length + " bytes)");
    }
  }
}
