package dev.obd.fuse;

import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Memory for requests under way: a fixed number of buffers in three sizes, made when first needed
 * and used again. At most some 36 MiB, however many requests the kernel sends; a request for which
 * no buffer is free waits for one of its size. Thread-safe.
 */
final class ReplyBuffers {
  /**
   * Nobody waits longer for a buffer. Those in use come back in the time that the device gives its
   * requests, so this ends only what waits behind several rounds of requests that all hang.
   */
  private static final int PATIENCE_SECONDS = 60;

  private final List<Shelf> shelves =
      List.of(new Shelf(16 << 10, 256), new Shelf(128 << 10, 128), new Shelf(1 << 20, 16));

  /** A buffer for {@code payloadBytes}, at most 1 MiB, or null if none is free now. */
  @Nullable ReplyBuffer poll(int payloadBytes) {
    Shelf shelf = shelf(payloadBytes);
    return shelf.free.tryAcquire() ? shelf.take() : null;
  }

  /** A buffer for {@code payloadBytes}, at most 1 MiB; null if none gets free in a minute. */
  @Nullable ReplyBuffer take(int payloadBytes) {
    Shelf shelf = shelf(payloadBytes);
    try {
      return shelf.free.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS) ? shelf.take() : null;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  /** Gives back what {@link #poll} or {@link #take} gave for {@code payloadBytes}. */
  void giveBack(ReplyBuffer buffer, int payloadBytes) {
    shelf(payloadBytes).put(buffer);
  }

  /** Somebody may go on using the buffer that was given for {@code payloadBytes}: replaces it. */
  void replace(int payloadBytes) {
    shelf(payloadBytes).free.release();
  }

  private Shelf shelf(int payloadBytes) {
    for (Shelf shelf : shelves) {
      if (payloadBytes <= shelf.payloadBytes) {
        return shelf;
      }
    }
    throw new IllegalArgumentException("no buffer of " + payloadBytes + " bytes");
  }

  private static final class Shelf {
    final int payloadBytes;
    final Semaphore free;
    private final ArrayDeque<ReplyBuffer> idle = new ArrayDeque<>();

    Shelf(int payloadBytes, int count) {
      this.payloadBytes = payloadBytes;
      this.free = new Semaphore(count, true);
    }

    /** The caller holds a permit. */
    ReplyBuffer take() {
      synchronized (idle) {
        ReplyBuffer used = idle.pollLast(); // the one whose memory was touched last
        if (used != null) {
          return used;
        }
      }
      try {
        return new ReplyBuffer(payloadBytes);
      } catch (OutOfMemoryError e) {
        free.release(); // else this size would have one buffer fewer for good
        throw e;
      }
    }

    void put(ReplyBuffer buffer) {
      synchronized (idle) {
        idle.addLast(buffer);
      }
      free.release();
    }
  }
}
