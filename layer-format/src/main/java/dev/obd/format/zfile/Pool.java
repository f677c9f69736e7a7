package dev.obd.format.zfile;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A few idle objects, shared by all threads. Not thread-local: a hundred thousand virtual threads
 * must not own a hundred thousand decompression contexts. Never blocks.
 */
final class Pool<T> {
  private final AtomicReferenceArray<@Nullable T> slots;
  private final int mask;

  /** Keeps at most {@code capacity} idle objects, a power of two. */
  Pool(int capacity) {
    slots = new AtomicReferenceArray<>(capacity);
    mask = capacity - 1;
  }

  /** An idle object, which then is the caller's, or null. */
  @Nullable T take() {
    int start = start();
    for (int i = 0; i <= mask; i++) {
      int slot = (start + i) & mask;
      if (slots.getPlain(slot) != null) {
        T found = slots.getAndSet(slot, null);
        if (found != null) {
          return found;
        }
      }
    }
    return null;
  }

  /** Takes {@code idle} back; false if there are enough already, and then it stays the caller's. */
  boolean give(T idle) {
    int start = start();
    for (int i = 0; i <= mask; i++) {
      if (slots.compareAndSet((start + i) & mask, null, idle)) {
        return true;
      }
    }
    return false;
  }

  /** Different threads start at different slots, so that they seldom meet. */
  private int start() {
    return (int) Thread.currentThread().threadId() & mask;
  }
}
