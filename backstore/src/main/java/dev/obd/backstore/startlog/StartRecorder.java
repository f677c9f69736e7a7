package dev.obd.backstore.startlog;

import dev.obd.backstore.cache.Urgency;
import dev.obd.backstore.source.ReadRecorder;
import dev.obd.backstore.startlog.StartEvent.Kind;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Keeps in memory how reads went, in the order in which they ended. One event is an atomic add and
 * six stores; memory is taken in chunks of 192 KiB up to a bound, beyond which events are counted
 * and dropped: the beginning of a start is worth more than its end. Thread-safe, without locks.
 */
public final class StartRecorder {
  /** About 24 MiB when full. */
  public static final int MAX_EVENTS = 1 << 19;

  private static final int CHUNK_EVENTS_LOG2 = 12;
  private static final int CHUNK_EVENTS = 1 << CHUNK_EVENTS_LOG2;

  /** Longs of an event: thread, begin and end in nanoseconds, offset, length, the rest packed. */
  private static final int EVENT_LONGS = 6;

  private static final int WRITTEN = 1; // so that the last long of an event is never 0
  private static final int OK = 1 << 1;
  private static final int RAISED = 1 << 2;
  private static final int KIND_SHIFT = 4;
  private static final int PURPOSE_SHIFT = 8;
  private static final int LAYER_SHIFT = 16;
  private static final List<Kind> KINDS = List.of(Kind.values());
  private static final List<Purpose> PURPOSES = List.of(Purpose.values());

  private final int maxEvents;
  private final Ticker ticker;
  private final long startNanos;
  private final AtomicReferenceArray<@Nullable AtomicLongArray> chunks;
  private final AtomicLong next = new AtomicLong(); // beyond maxEvents: what was dropped
  private volatile boolean stopped;

  public StartRecorder(Ticker ticker) {
    this(MAX_EVENTS, ticker);
  }

  /**
   * Records from now on.
   *
   * @param maxEvents more are dropped; 1 to {@link #MAX_EVENTS}
   */
  public StartRecorder(int maxEvents, Ticker ticker) {
    if (maxEvents < 1 || maxEvents > MAX_EVENTS) {
      throw new IllegalArgumentException("events: expected 1 to " + MAX_EVENTS);
    }
    this.maxEvents = maxEvents;
    this.ticker = ticker;
    this.startNanos = ticker.nanos();
    this.chunks = new AtomicReferenceArray<>((maxEvents - 1) / CHUNK_EVENTS + 1);
  }

  /** Hears of the reads of the disk. */
  public ReadRecorder disk() {
    return recorder(Kind.DISK, -1);
  }

  /** Hears of the reads of {@code layer} at one place. */
  public ReadRecorder layer(Kind kind, int layer) {
    return recorder(kind, layer);
  }

  private ReadRecorder recorder(Kind kind, int layer) {
    long packed =
        WRITTEN | (long) KINDS.indexOf(kind) << KIND_SHIFT | (long) (layer + 1) << LAYER_SHIFT;
    return (offset, bytes, nanos, ok) -> append(packed, offset, bytes, nanos, ok);
  }

  /** Ignores what is reported from now on. */
  public void stop() {
    stopped = true;
  }

  private void append(long packed, long offset, long length, long nanos, boolean ok) {
    if (stopped) {
      return;
    }
    long slot = next.getAndIncrement();
    if (slot >= maxEvents) {
      return;
    }
    long end = ticker.nanos() - startNanos;
    Purpose begunFor = ReadContext.current().purpose();
    boolean raised = begunFor != Purpose.DEMAND && Urgency.now() == Purpose.DEMAND;
    AtomicLongArray chunk = chunk((int) (slot >>> CHUNK_EVENTS_LOG2));
    int at = EVENT_LONGS * (int) (slot & (CHUNK_EVENTS - 1));
    chunk.setPlain(at, Thread.currentThread().threadId());
    chunk.setPlain(at + 1, Math.max(0, end - nanos));
    chunk.setPlain(at + 2, end);
    chunk.setPlain(at + 3, offset);
    chunk.setPlain(at + 4, length);
    // Last and with release, because an event whose last long is 0 is one not written yet.
    chunk.setRelease(
        at + 5,
        packed
            | (ok ? OK : 0)
            | (raised ? RAISED : 0)
            | (long) PURPOSES.indexOf(begunFor) << PURPOSE_SHIFT);
  }

  private AtomicLongArray chunk(int index) {
    AtomicLongArray chunk = chunks.getAcquire(index);
    if (chunk != null) {
      return chunk;
    }
    var created = new AtomicLongArray(EVENT_LONGS * CHUNK_EVENTS);
    AtomicLongArray other = chunks.compareAndExchange(index, null, created);
    return other == null ? created : other;
  }

  /** Microseconds since this was made. */
  public long micros() {
    return (ticker.nanos() - startNanos) / 1000;
  }

  /** Events that found no room. */
  public long dropped() {
    return Math.max(0, next.get() - maxEvents);
  }

  /** What was kept so far, in the order in which it was reported. */
  public List<StartEvent> events() {
    int size = (int) Math.min(next.get(), maxEvents);
    List<StartEvent> events = new ArrayList<>(size);
    for (int slot = 0; slot < size; slot++) {
      AtomicLongArray chunk = chunks.getAcquire(slot >>> CHUNK_EVENTS_LOG2);
      int at = EVENT_LONGS * (slot & (CHUNK_EVENTS - 1));
      long packed = chunk == null ? 0 : chunk.getAcquire(at + 5);
      if (chunk != null && packed != 0) {
        events.add(event(chunk, at, packed));
      }
    }
    return events;
  }

  private static StartEvent event(AtomicLongArray chunk, int at, long packed) {
    return new StartEvent(
        KINDS.get((int) (packed >>> KIND_SHIFT) & 0xf),
        chunk.getPlain(at),
        chunk.getPlain(at + 1) / 1000,
        chunk.getPlain(at + 2) / 1000,
        (int) (packed >>> LAYER_SHIFT) - 1,
        chunk.getPlain(at + 3),
        chunk.getPlain(at + 4),
        PURPOSES.get((int) (packed >>> PURPOSE_SHIFT) & 0xf),
        (packed & RAISED) != 0,
        (packed & OK) != 0);
  }
}
