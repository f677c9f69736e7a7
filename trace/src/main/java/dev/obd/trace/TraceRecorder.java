package dev.obd.trace;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps reads in memory, in the order in which they are reported, and when that was. Appending is
 * one atomic add and three stores; memory is taken in chunks of 96 KiB as it is needed, up to a
 * bound, beyond which records are counted and dropped. Thread-safe, without locks.
 */
public final class TraceRecorder implements AccessSink {
  private static final int CHUNK_RECORDS_LOG2 = 12;
  private static final int CHUNK_RECORDS = 1 << CHUNK_RECORDS_LOG2;

  /** Longs of a record: offset, layer and length, microseconds. */
  private static final int RECORD_LONGS = 3;

  private final int maxRecords;
  private final LongSupplier nanos;
  private final AtomicReferenceArray<@Nullable AtomicLongArray> chunks;

  /** Slots handed out, and beyond {@link #maxRecords} the number that was dropped. */
  private final AtomicLong next = new AtomicLong();

  private volatile boolean recording;
  private volatile long startNanos;

  /** A recorder of {@link TraceFile#MAX_RECORDS} records, about 24 MiB when full. */
  public TraceRecorder() {
    this(TraceFile.MAX_RECORDS);
  }

  /**
   * A recorder of fewer records, by the machine's clock.
   *
   * @param maxRecords more are dropped; 1 to {@link TraceFile#MAX_RECORDS}
   */
  public TraceRecorder(int maxRecords) {
    this(maxRecords, System::nanoTime);
  }

  /**
   * As above.
   *
   * @param nanos a clock that only goes forward
   */
  public TraceRecorder(int maxRecords, LongSupplier nanos) {
    if (maxRecords < 1 || maxRecords > TraceFile.MAX_RECORDS) {
      throw new IllegalArgumentException("maxRecords: " + maxRecords);
    }
    this.maxRecords = maxRecords;
    this.nanos = nanos;
    chunks = new AtomicReferenceArray<>((maxRecords - 1) / CHUNK_RECORDS + 1);
  }

  /** Records what is reported from now on. */
  public void start() {
    if (!recording) {
      startNanos = nanos.getAsLong();
    }
    recording = true;
  }

  /** Ignores what is reported from now on. */
  public void stop() {
    recording = false;
  }

  @Override
  public void read(int layer, long offset, int length) {
    if (!recording || layer < 0 || offset < 0 || offset > Long.MAX_VALUE - length) {
      return;
    }
    long micros = micros();
    // Almost always once: a record longer than the original can replay becomes several.
    long at = offset;
    for (int left = length; left > 0; left -= TraceFile.MAX_RECORD_LENGTH) {
      append(layer, at, Math.min(TraceFile.MAX_RECORD_LENGTH, left), micros);
      at += TraceFile.MAX_RECORD_LENGTH;
    }
  }

  private void append(int layer, long offset, int length, long micros) {
    long slot = next.getAndIncrement();
    if (slot >= maxRecords) {
      return;
    }
    AtomicLongArray chunk = chunk((int) (slot >>> CHUNK_RECORDS_LOG2));
    int at = RECORD_LONGS * (int) (slot & (CHUNK_RECORDS - 1));
    chunk.setPlain(at, offset);
    chunk.setPlain(at + 2, micros);
    // Last and with release, because a slot whose length is 0 is one not written yet.
    chunk.setRelease(at + 1, (long) layer << 32 | length);
  }

  private AtomicLongArray chunk(int index) {
    AtomicLongArray chunk = chunks.getAcquire(index);
    if (chunk != null) {
      return chunk;
    }
    var created = new AtomicLongArray(RECORD_LONGS * CHUNK_RECORDS);
    AtomicLongArray other = chunks.compareAndExchange(index, null, created);
    return other == null ? created : other;
  }

  /** Microseconds since the recording began, as the records have it. */
  public long micros() {
    return Math.max(0, (nanos.getAsLong() - startNanos) / 1000);
  }

  /** Records kept so far. */
  public int size() {
    return (int) Math.min(next.get(), maxRecords);
  }

  /** Records that found no room. If not 0, the trace lacks the end of what happened. */
  public long dropped() {
    return Math.max(0, next.get() - maxRecords);
  }

  /**
   * What was recorded so far: at least every read that was reported before this call began, except
   * the dropped ones.
   */
  public Trace snapshot() {
    return since(0);
  }

  /**
   * As {@link #snapshot}, without the first records.
   *
   * @param first how many to leave out, such as {@link #size} was when they were looked at
   */
  public Trace since(int first) {
    int size = size();
    var trace = new Trace.Builder(Math.max(0, size - first));
    for (int slot = first; slot < size; slot++) {
      AtomicLongArray chunk = chunks.getAcquire(slot >>> CHUNK_RECORDS_LOG2);
      int at = RECORD_LONGS * (slot & (CHUNK_RECORDS - 1));
      long layerAndLength = chunk == null ? 0 : chunk.getAcquire(at + 1);
      if (layerAndLength != 0) {
        trace.add(
            (int) (layerAndLength >>> 32),
            chunk.getPlain(at),
            layerAndLength & 0xffff_ffffL,
            chunk.getPlain(at + 2));
      }
    }
    return trace.build();
  }
}
