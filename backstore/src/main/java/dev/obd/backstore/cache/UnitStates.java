package dev.obd.backstore.cache;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What this process knows about the units of one blob, one word each: for accounting and eviction.
 * Whether a unit may be read is not decided here but by its record on disk. Lock-free; memory grows
 * by 8 KiB for each 1024 units touched, by less for a blob of fewer.
 *
 * <p>A word also says when its unit was used, counted in units filled ({@link Capacity#tick}). Of a
 * young unit that is when it came, of an old one when it was read last, of an absent one what it
 * was when it went.
 */
final class UnitStates {
  /** Counted in the cache's size. */
  static final long PRESENT = 1;

  /** Read again some time after it came: outlives the young. */
  static final long OLD = 2;

  /** Fetched ahead and not read yet. */
  static final long AHEAD = 4;

  /** Being written or dropped: nobody else touches it. */
  static final long BUSY = 8;

  /** One reader; readers are counted in the 20 bits from here up. */
  private static final long PIN = 16;

  private static final long PINS = 0xf_ffffL * PIN;
  private static final int STAMP_SHIFT = 24;
  private static final int CHUNK = 1024;

  /** Takes what {@link #scan} finds. */
  @FunctionalInterface
  interface Visitor {
    void unit(int unit, long word);
  }

  private final int count;
  private final AtomicReferenceArray<@Nullable AtomicLongArray> chunks;

  UnitStates(int count) {
    this.count = count;
    this.chunks = new AtomicReferenceArray<>((count + CHUNK - 1) / CHUNK);
  }

  int count() {
    return count;
  }

  /** When the unit of this word was used; 0 if never. */
  static long stamp(long word) {
    return word >>> STAMP_SHIFT;
  }

  static long stamped(long flags, long stamp) {
    return flags | (stamp << STAMP_SHIFT);
  }

  static boolean isPresent(long word) {
    return (word & PRESENT) != 0;
  }

  /** Present and of the old generation. */
  static boolean isOld(long word) {
    return (word & (PRESENT | OLD)) == (PRESENT | OLD);
  }

  static boolean isBusy(long word) {
    return (word & BUSY) != 0;
  }

  long get(int unit) {
    AtomicLongArray chunk = chunks.get(unit / CHUNK);
    return chunk == null ? 0 : chunk.get(unit % CHUNK);
  }

  /** Keeps {@code unit} from being evicted until {@link #unpin}; false if it is busy. */
  boolean pin(int unit) {
    AtomicLongArray chunk = chunk(unit);
    int i = unit % CHUNK;
    while (true) {
      long word = chunk.get(i);
      if (isBusy(word) || (word & PINS) == PINS) {
        return false;
      }
      if (chunk.compareAndSet(i, word, word + PIN)) {
        return true;
      }
    }
  }

  /**
   * Ends a read. After a hit the unit is present and used, unless somebody is changing it, who will
   * say what it is. A hit makes a young unit old if it came at least {@code window} ago: what
   * follows closer belongs to the same use. Returns the word before.
   */
  long unpin(int unit, boolean hit, long now, long window) {
    AtomicLongArray chunk = chunk(unit);
    int i = unit % CHUNK;
    while (true) {
      long word = chunk.get(i);
      long next = (hit && !isBusy(word) ? used(word, now, window) : word) - PIN;
      if (chunk.compareAndSet(i, word, next)) {
        return word;
      }
    }
  }

  /** The word of a unit that is gone: when it was used is remembered. */
  static long gone(long word) {
    return stamped(word & PINS, stamp(word));
  }

  /** The word of a unit that somebody else put there. */
  static long found(long word, long now) {
    return stamped((word & PINS) | PRESENT, now);
  }

  /** The word after a hit. */
  static long used(long word, long now, long window) {
    if (!isPresent(word)) {
      return found(word, now);
    }
    long kept = word & (PINS | PRESENT | OLD);
    if ((word & AHEAD) != 0) {
      return stamped(kept, now);
    }
    if ((word & OLD) != 0 || now - stamp(word) >= window) {
      return stamped(kept | OLD, now);
    }
    return word;
  }

  /** Takes {@code unit} to change it and returns the word before; -1 if it is busy already. */
  long begin(int unit) {
    AtomicLongArray chunk = chunk(unit);
    int i = unit % CHUNK;
    while (true) {
      long word = chunk.get(i);
      if (isBusy(word)) {
        return -1;
      }
      if (chunk.compareAndSet(i, word, word | BUSY)) {
        return word & ~PINS;
      }
    }
  }

  /**
   * Takes {@code unit} to evict it; false unless it is as {@code word} says and nobody reads it.
   */
  boolean take(int unit, long word) {
    return (word & (PINS | BUSY)) == 0 && replace(unit, word, word | BUSY);
  }

  /** Gives back what {@link #begin} or {@link #take} took; {@code word} is what it is now. */
  void end(int unit, long word) {
    AtomicLongArray chunk = chunk(unit);
    int i = unit % CHUNK;
    long now = chunk.get(i);
    while (!chunk.compareAndSet(i, now, (now & PINS) | word)) {
      now = chunk.get(i);
    }
  }

  boolean replace(int unit, long expected, long next) {
    return chunk(unit).compareAndSet(unit % CHUNK, expected, next);
  }

  /** Shows every unit that could be evicted now. */
  void scan(Visitor visitor) {
    for (int c = 0; c < chunks.length(); c++) {
      AtomicLongArray chunk = chunks.get(c);
      for (int i = 0; chunk != null && i < chunk.length(); i++) {
        long word = chunk.get(i);
        if (isPresent(word) && (word & (PINS | BUSY)) == 0) {
          visitor.unit(c * CHUNK + i, word);
        }
      }
    }
  }

  /** True if some unit is being read. */
  boolean anyPinned() {
    for (int c = 0; c < chunks.length(); c++) {
      AtomicLongArray chunk = chunks.get(c);
      for (int i = 0; chunk != null && i < chunk.length(); i++) {
        if ((chunk.get(i) & PINS) != 0) {
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

  private AtomicLongArray chunk(int unit) {
    AtomicLongArray chunk = chunks.get(unit / CHUNK);
    if (chunk != null) {
      return chunk;
    }
    AtomicLongArray fresh = new AtomicLongArray(Math.min(CHUNK, count - unit / CHUNK * CHUNK));
    AtomicLongArray other = chunks.compareAndExchange(unit / CHUNK, null, fresh);
    return other == null ? fresh : other;
  }
}
