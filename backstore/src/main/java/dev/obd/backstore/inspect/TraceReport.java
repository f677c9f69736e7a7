package dev.obd.backstore.inspect;

import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a trace adds up to.
 *
 * @param records how many reads
 * @param bytes of all reads, repeated ones each time
 * @param uniqueBytes of the layers that were read at all
 * @param layers the same per layer, lowest first
 */
public record TraceReport(int records, long bytes, long uniqueBytes, List<Layer> layers) {
  /**
   * One layer's part.
   *
   * @param layer 0 is the lowest
   */
  public record Layer(int layer, int records, long bytes, long uniqueBytes) {}

  /** Adds up a trace. */
  public static TraceReport of(Trace trace) {
    Map<Integer, List<Access>> byLayer = new TreeMap<>();
    trace.forEach(a -> byLayer.computeIfAbsent(a.layer(), l -> new ArrayList<>()).add(a));
    List<Layer> layers = new ArrayList<>();
    long unique = 0;
    for (Map.Entry<Integer, List<Access>> one : byLayer.entrySet()) {
      List<Access> reads = one.getValue();
      Layer layer = new Layer(one.getKey(), reads.size(), Trace.of(reads).bytes(), unique(reads));
      layers.add(layer);
      unique = capped(unique, layer.uniqueBytes());
    }
    return new TraceReport(trace.size(), trace.bytes(), unique, List.copyOf(layers));
  }

  /** Sorts {@code reads}. */
  private static long unique(List<Access> reads) {
    reads.sort(Comparator.comparingLong(Access::offset));
    long sum = 0;
    long end = 0;
    for (Access read : reads) {
      long from = Math.max(end, read.offset());
      end = Math.max(end, read.offset() + read.length());
      sum += Math.max(0, end - from); // disjoint ranges below 2^63: the sum is too
    }
    return sum;
  }

  private static long capped(long a, long b) {
    return a + b < 0 ? Long.MAX_VALUE : a + b;
  }
}
