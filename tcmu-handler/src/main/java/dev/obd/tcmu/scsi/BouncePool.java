package dev.obd.tcmu.scsi;

import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Direct buffers of {@link #BYTES} for data that lies in many pieces, or nowhere. Made as needed,
 * never more than {@link #MOST}. Thread-safe.
 */
final class BouncePool {
  /** A whole command as the kernel sends them unless told otherwise. */
  static final int BYTES = 64 << 10;

  static final int MOST = 64;

  private final ConcurrentLinkedQueue<ByteBuffer> idle = new ConcurrentLinkedQueue<>();
  private final AtomicInteger made = new AtomicInteger();

  /** A cleared buffer; null if all are in use. */
  @Nullable ByteBuffer take() {
    ByteBuffer buffer = idle.poll();
    if (buffer != null) {
      return buffer.clear();
    }
    if (made.incrementAndGet() > MOST) {
      made.decrementAndGet();
      return null;
    }
    return ByteBuffer.allocateDirect(BYTES);
  }

  /** The device no longer touches {@code buffer}. */
  void giveBack(ByteBuffer buffer) {
    idle.add(buffer);
  }
}
