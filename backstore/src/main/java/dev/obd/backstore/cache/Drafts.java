package dev.obd.backstore.cache;

import dev.obd.io.Range;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Units of a blob of which only a part was written, in memory, few: the one begun first is
 * forgotten for another. Thread-safe.
 */
final class Drafts {
  /** Over all blobs of a cache. */
  static final int MOST_BYTES = 32 << 20;

  private final MapFormat format;
  private final AtomicLong heldBytes;
  private final Map<Integer, Draft> byUnit = new LinkedHashMap<>(); // guarded by this
  private volatile boolean empty = true;

  /**
   * @param heldBytes by all blobs of the cache
   */
  Drafts(MapFormat format, AtomicLong heldBytes) {
    this.format = format;
    this.heldBytes = heldBytes;
  }

  /** Adds a part of {@code unit}; the whole unit if that completes it, and then it is gone here. */
  synchronized @Nullable ByteBuffer put(int unit, long offset, ByteBuffer src) {
    Draft draft = byUnit.get(unit);
    if (draft == null) {
      if (!makeRoom()) {
        return null;
      }
      draft = new Draft(format.unitRange(unit));
      byUnit.put(unit, draft);
      empty = false;
    }
    draft.put(offset, src, false);
    if (!draft.isWhole()) {
      return null;
    }
    remove(unit);
    return draft.slice(draft.range());
  }

  private boolean makeRoom() {
    while (heldBytes.addAndGet(format.unitBytes()) > MOST_BYTES) {
      heldBytes.addAndGet(-format.unitBytes());
      if (byUnit.isEmpty()) {
        return false; // other blobs have it all
      }
      remove(byUnit.keySet().iterator().next());
    }
    return true;
  }

  /** Moves what is here of a fetch's units into it. */
  synchronized void moveInto(Load load) {
    for (long unit = load.firstUnit(); !empty && unit < load.firstUnit() + load.units(); unit++) {
      Draft draft = byUnit.get((int) unit);
      if (draft != null) {
        draft.forEachIn(draft.range(), (at, bytes) -> load.put(at, bytes, false));
        remove((int) unit);
      }
    }
  }

  /** Fills {@code dst} from {@code offset} of {@code unit} if all of that is here. */
  boolean read(int unit, long offset, ByteBuffer dst) {
    if (empty) {
      return false;
    }
    Draft draft;
    synchronized (this) {
      draft = byUnit.get(unit);
    }
    if (draft == null || draft.available(offset) < dst.remaining()) {
      return false;
    }
    dst.put(draft.slice(new Range(offset, dst.remaining())));
    return true;
  }

  synchronized void remove(int unit) {
    if (byUnit.remove(unit) != null) {
      heldBytes.addAndGet(-format.unitBytes());
      empty = byUnit.isEmpty();
    }
  }

  synchronized void clear() {
    heldBytes.addAndGet(-(long) byUnit.size() * format.unitBytes());
    byUnit.clear();
    empty = true;
  }
}
