package dev.obd.backstore.cache;

import dev.obd.io.Range;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Bytes of an object's range as they come, in any order. Thread-safe. */
final class Draft {
  private final Range range;

  /** Offset → end of what is here: apart, never touching. */
  private final TreeMap<Long, Long> here = new TreeMap<>(); // guarded by this

  private @Nullable ByteBuffer bytes; // guarded by this; null as long as nothing is here

  Draft(Range range) {
    this.range = range;
  }

  Range range() {
    return range;
  }

  /**
   * Takes the part of {@code src}, which lies at {@code offset} of the object, that is in this
   * range.
   *
   * @param owned true if nobody will change {@code src} any more, so that it need not be copied
   */
  synchronized void put(long offset, ByteBuffer src, boolean owned) {
    long from = Math.max(offset, range.offset());
    long end = Math.min(offset + src.remaining(), range.end());
    if (from >= end) {
      return;
    }
    ByteBuffer part = src.slice(src.position() + (int) (from - offset), (int) (end - from));
    if (owned && bytes == null && part.remaining() == range.length()) {
      bytes = part;
    } else {
      if (bytes == null) {
        bytes = ByteBuffer.allocate(Math.toIntExact(range.length()));
      }
      copyMissing(bytes, from, end, part);
    }
    add(from, end);
  }

  /** What is here already stays: somebody may be reading it. */
  private void copyMissing(ByteBuffer into, long from, long end, ByteBuffer part) {
    long at = from;
    while (at < end) {
      Map.Entry<Long, Long> piece = here.floorEntry(at);
      if (piece != null && piece.getValue() > at) {
        at = piece.getValue();
        continue;
      }
      Long next = here.higherKey(at);
      long to = next == null ? end : Math.min(end, next);
      into.put(
          (int) (at - range.offset()), part, part.position() + (int) (at - from), (int) (to - at));
      at = to;
    }
  }

  private void add(long from, long end) {
    long first = from;
    long last = end;
    Map.Entry<Long, Long> before = here.floorEntry(from);
    if (before != null && before.getValue() >= from) {
      first = before.getKey();
      last = Math.max(last, before.getValue());
    }
    Map<Long, Long> touched = here.subMap(first, true, end, true);
    for (long other : touched.values()) {
      last = Math.max(last, other);
    }
    touched.clear();
    here.put(first, last);
  }

  /** How many bytes are here from {@code offset} without a gap. */
  synchronized long available(long offset) {
    Map.Entry<Long, Long> piece = here.floorEntry(offset);
    return piece == null ? 0 : Math.max(0, piece.getValue() - offset);
  }

  synchronized boolean isWhole() {
    return available(range.offset()) == range.length();
  }

  /** The bytes of {@code part}, which are here; not to be changed. */
  synchronized ByteBuffer slice(Range part) {
    ByteBuffer all = bytes;
    if (all == null || available(part.offset()) < part.length()) {
      throw new IllegalStateException(part + " is not all here");
    }
    return all.slice((int) (part.offset() - range.offset()), Math.toIntExact(part.length()));
  }

  /** Takes bytes at an offset of the object. */
  @FunctionalInterface
  interface Taker {
    void take(long offset, ByteBuffer bytes);
  }

  /** Shows all that is here of {@code part}, piece by piece. */
  synchronized void forEachIn(Range part, Taker taker) {
    for (Map.Entry<Long, Long> piece : here.headMap(part.end(), false).entrySet()) {
      long from = Math.max(piece.getKey(), part.offset());
      long end = Math.min(piece.getValue(), part.end());
      if (from < end) {
        taker.take(from, slice(new Range(from, end - from)));
      }
    }
  }
}
