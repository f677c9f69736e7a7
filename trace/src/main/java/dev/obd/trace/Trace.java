package dev.obd.trace;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * Recorded reads, in the order in which they completed. Immutable. Packed: 28 bytes a record, so
 * that the largest trace that is accepted takes about 28 MiB.
 */
public final class Trace extends AbstractList<Access> implements RandomAccess {
  /** Nothing recorded. */
  public static final Trace EMPTY = new Builder(0).build();

  private final int[] layers;
  private final long[] offsets;
  private final long[] lengths;
  private final long[] micros;

  private Trace(int[] layers, long[] offsets, long[] lengths, long[] micros) {
    this.layers = layers;
    this.offsets = offsets;
    this.lengths = lengths;
    this.micros = micros;
  }

  /** The same accesses, packed. */
  public static Trace of(List<Access> accesses) {
    var builder = new Builder(accesses.size());
    accesses.forEach(access -> builder.add(access.layer(), access.offset(), access.length()));
    return builder.build();
  }

  /**
   * The same accesses, and when they were.
   *
   * @param times of each, in microseconds since the recording began, at least 0
   */
  public Trace withMicros(long[] times) {
    if (times.length != layers.length || Arrays.stream(times).anyMatch(time -> time < 0)) {
      throw new IllegalArgumentException(
          "times: expected " + layers.length + " of at least 0, got " + times.length);
    }
    return new Trace(layers, offsets, lengths, times.clone());
  }

  @Override
  public Access get(int index) {
    Objects.checkIndex(index, layers.length);
    return new Access(layers[index], offsets[index], lengths[index]);
  }

  /**
   * When a read completed, in microseconds since the recording began; 0 where nobody noted it, as
   * in a trace that was read from a file.
   */
  public long micros(int index) {
    Objects.checkIndex(index, layers.length);
    return micros[index];
  }

  @Override
  public int size() {
    return layers.length;
  }

  /**
   * Bytes of all records together, duplicates counted each time; at most {@link Long#MAX_VALUE}.
   */
  public long bytes() {
    long sum = 0;
    for (long length : lengths) {
      sum += length;
      if (sum < 0) {
        return Long.MAX_VALUE;
      }
    }
    return sum;
  }

  /** Collects up to a number of records known beforehand. */
  static final class Builder {
    private final int[] layers;
    private final long[] offsets;
    private final long[] lengths;
    private final long[] micros;
    private int size;

    Builder(int capacity) {
      layers = new int[capacity];
      offsets = new long[capacity];
      lengths = new long[capacity];
      micros = new long[capacity];
    }

    void add(int layer, long offset, long length) {
      add(layer, offset, length, 0);
    }

    void add(int layer, long offset, long length, long at) {
      micros[size] = at;
      layers[size] = layer;
      offsets[size] = offset;
      lengths[size] = length;
      size++;
    }

    Trace build() {
      return size == layers.length
          ? new Trace(layers, offsets, lengths, micros)
          : new Trace(
              Arrays.copyOf(layers, size),
              Arrays.copyOf(offsets, size),
              Arrays.copyOf(lengths, size),
              Arrays.copyOf(micros, size));
    }
  }
}
