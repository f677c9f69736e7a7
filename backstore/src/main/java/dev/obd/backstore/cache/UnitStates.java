package dev.obd.backstore.cache;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What this process knows about the units of one blob, one word each: for accounting and eviction.
 * Whether a unit may be read is not decided here but by its record on disk. Lock-free; memory grows
 * by 4 KiB for each 1024 units touched.
 */
final class UnitStates {
  /** Counted in the cache's size. */
  static final int PRESENT = 1;

  /** Read since the clock's hand came by. */
  static final int USED = 2;

  /** Fetched ahead and not read yet. */
  static final int AHEAD = 4;

  /** Being written or dropped: nobody else touches it. */
  static final int BUSY = 8;

  /** One reader; readers are counted in the bits from here up. */
  private static final int PIN = 16;

  private static final int CHUNK = 1024;

  private final int count;
  private final AtomicReferenceArray<@Nullable AtomicIntegerArray> chunks;

  UnitStates(int count) {
    this.count = count;
    this.chunks = new AtomicReferenceArray<>((count + CHUNK - 1) / CHUNK);
  }

  int count() {
    return count;
  }

  int get(int unit) {
    AtomicIntegerArray chunk = chunks.get(unit / CHUNK);
    return chunk == null ? 0 : chunk.get(unit % CHUNK);
  }

  /** Keeps {@code unit} from being evicted until {@link #unpin}; false if it is busy. */
  boolean pin(int unit) {
    AtomicIntegerArray chunk = chunk(unit);
    int i = unit % CHUNK;
    while (true) {
      int word = chunk.get(i);
      if ((word & BUSY) != 0) {
        return false;
      }
      if (chunk.compareAndSet(i, word, word + PIN)) {
        return true;
      }
    }
  }

  /**
   * Ends a read. After a hit the unit is present and used, unless somebody is changing it, who will
   * say what it is. Returns the flags before.
   */
  int unpin(int unit, boolean hit) {
    AtomicIntegerArray chunk = chunk(unit);
    int i = unit % CHUNK;
    while (true) {
      int word = chunk.get(i);
      int next = word - PIN;
      if (hit && (word & BUSY) == 0) {
        next = (next | PRESENT | USED) & ~AHEAD;
      }
      if (chunk.compareAndSet(i, word, next)) {
        return word;
      }
    }
  }

  /** Takes {@code unit} to change it and returns the flags before; -1 if it is busy already. */
  int begin(int unit) {
    AtomicIntegerArray chunk = chunk(unit);
    int i = unit % CHUNK;
    while (true) {
      int word = chunk.get(i);
      if ((word & BUSY) != 0) {
        return -1;
      }
      if (chunk.compareAndSet(i, word, word | BUSY)) {
        return word & (PIN - 1);
      }
    }
  }

  /**
   * Gives back what {@link #begin} or {@link #nextVictim} took; {@code flags} is what it is now.
   */
  void end(int unit, int flags) {
    AtomicIntegerArray chunk = chunk(unit);
    int i = unit % CHUNK;
    int word = chunk.get(i);
    while (!chunk.compareAndSet(i, word, (word & -PIN) | flags)) {
      word = chunk.get(i);
    }
  }

  boolean replace(int unit, int expected, int next) {
    return chunk(unit).compareAndSet(unit % CHUNK, expected, next);
  }

  /**
   * Moves the clock's hand: the first unit from {@code from} that is present, not used since the
   * hand was here last, not busy and not being read. It is busy when this returns. -1 at the end.
   */
  int nextVictim(int from) {
    for (int unit = from; unit < count; unit++) {
      AtomicIntegerArray chunk = chunks.get(unit / CHUNK);
      if (chunk == null) {
        unit = unit / CHUNK * CHUNK + CHUNK - 1;
        continue;
      }
      int i = unit % CHUNK;
      int word = chunk.get(i);
      if ((word & PRESENT) == 0 || word >= PIN || (word & BUSY) != 0) {
        continue;
      }
      if ((word & USED) != 0) {
        chunk.compareAndSet(i, word, word & ~USED); // lost to a reader: it is in use, which is fine
      } else if (chunk.compareAndSet(i, word, word | BUSY)) {
        return unit;
      }
    }
    return -1;
  }

  /** True if some unit is being read. */
  boolean anyPinned() {
    for (int c = 0; c < chunks.length(); c++) {
      AtomicIntegerArray chunk = chunks.get(c);
      for (int i = 0; chunk != null && i < CHUNK; i++) {
        if (chunk.get(i) >= PIN) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * The first unit from {@code from} that is not in a chunk nobody touched; {@link #count} if none.
   */
  int skipUntouched(int from) {
    int unit = from;
    while (unit < count && chunks.get(unit / CHUNK) == null) {
      unit = unit / CHUNK * CHUNK + CHUNK;
    }
    return Math.min(unit, count);
  }

  private AtomicIntegerArray chunk(int unit) {
    AtomicIntegerArray chunk = chunks.get(unit / CHUNK);
    if (chunk != null) {
      return chunk;
    }
    AtomicIntegerArray fresh = new AtomicIntegerArray(CHUNK);
    AtomicIntegerArray other = chunks.compareAndExchange(unit / CHUNK, null, fresh);
    return other == null ? fresh : other;
  }
}
