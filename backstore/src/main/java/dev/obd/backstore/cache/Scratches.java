package dev.obd.backstore.cache;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The scratches of all blobs of a cache: as many as reads are going on, few of them kept, however
 * many blobs there are. Thread-safe, without locks.
 */
final class Scratches {
  private static final int KEPT = 64; // a power of two
  private static final int TRIES = 4;
  private static final int LARGE_BYTES = 1 << 20;

  private final AtomicReferenceArray<@Nullable Scratch> kept = new AtomicReferenceArray<>(KEPT);

  /** One for records of {@code format}, until {@link #give}. */
  Scratch take(MapFormat format) {
    int from = here();
    for (int i = 0; i < TRIES; i++) {
      Scratch scratch = kept.getAndSet((from + i) & (KEPT - 1), null);
      if (scratch != null) {
        scratch.use(format);
        return scratch;
      }
    }
    return new Scratch(format);
  }

  void give(Scratch scratch) {
    if (scratch.heldBytes() > LARGE_BYTES) {
      return; // the collector may have it
    }
    int from = here();
    for (int i = 0; i < TRIES; i++) {
      if (kept.compareAndSet((from + i) & (KEPT - 1), null, scratch)) {
        return;
      }
    }
  }

  /** A place that differs from thread to thread. */
  private static int here() {
    return (int) ((Thread.currentThread().threadId() * 0x9E37_79B9L) >>> 16);
  }
}
