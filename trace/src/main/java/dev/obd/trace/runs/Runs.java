package dev.obd.trace.runs;

import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A set of runs of at most {@link #MAX_RUNS}, the newest. Merging is union: the order in which runs
 * come together, and how often, makes no difference. Immutable.
 */
public final class Runs {
  /** Older ones are left out. */
  public static final int MAX_RUNS = 64;

  private final List<Run> runs; // sorted, no two with the same id

  private Runs(List<Run> runs) {
    this.runs = runs;
  }

  /** The newest of these, each once. */
  public static Runs of(Collection<Run> runs) {
    SortedSet<Run> sorted = new TreeSet<>(runs);
    return new Runs(sorted.stream().limit(MAX_RUNS).toList());
  }

  /** The newest of both. */
  public Runs merge(Runs other) {
    List<Run> all = new ArrayList<>(runs);
    all.addAll(other.runs);
    return of(all);
  }

  /** Newest first. */
  public List<Run> runs() {
    return runs;
  }

  /**
   * Bytes that some of the runs read, as far as the same ones did.
   *
   * @param layer digest of its blob
   * @param offset bytes from the start of the layer's uncompressed LSMT stream
   * @param support how many runs read it
   * @param micros when they first did: the median of these runs, the lower one of two
   */
  public record Extent(String layer, long offset, long length, int support, long micros) {}

  /** What the runs read: by first touch, layer and offset; no byte twice. */
  public List<Extent> extents() {
    Map<String, List<long[]>> byLayer = new TreeMap<>();
    for (Run run : runs) {
      for (Touch touch : run.touches()) {
        byLayer
            .computeIfAbsent(run.layers().get(touch.layer()), _ -> new ArrayList<>())
            .add(new long[] {touch.offset(), touch.offset() + touch.length(), touch.micros()});
      }
    }
    List<Extent> extents = new ArrayList<>();
    byLayer.forEach((layer, touches) -> sweep(layer, touches, extents));
    extents.sort(
        Comparator.comparingLong(Extent::micros)
            .thenComparing(Extent::layer)
            .thenComparingLong(Extent::offset));
    return extents;
  }

  /** Cuts a layer where any touch begins or ends, and joins what is alike. */
  private static void sweep(String layer, List<long[]> touches, List<Extent> into) {
    TreeMap<Long, List<long[]>> starts = new TreeMap<>();
    TreeMap<Long, List<long[]>> ends = new TreeMap<>();
    SortedSet<Long> cuts = new TreeSet<>();
    for (long[] touch : touches) {
      starts.computeIfAbsent(touch[0], _ -> new ArrayList<>()).add(touch);
      ends.computeIfAbsent(touch[1], _ -> new ArrayList<>()).add(touch);
      cuts.add(touch[0]);
      cuts.add(touch[1]);
    }
    List<long[]> open = new ArrayList<>();
    long from = 0;
    Extent last = null;
    for (long cut : cuts) {
      if (!open.isEmpty()) {
        long[] times = open.stream().mapToLong(t -> t[2]).sorted().toArray();
        Extent next =
            new Extent(layer, from, cut - from, times.length, times[(times.length - 1) / 2]);
        if (last != null
            && last.offset + last.length == next.offset
            && last.support == next.support
            && last.micros == next.micros) {
          next =
              new Extent(layer, last.offset, last.length + next.length, last.support, last.micros);
          into.removeLast();
        }
        into.add(next);
        last = next;
      }
      open.removeAll(ends.getOrDefault(cut, List.of()));
      open.addAll(starts.getOrDefault(cut, List.of()));
      from = cut;
    }
  }

  /**
   * A trace for replay: what at least {@code support} runs read, in the order of first touch.
   *
   * @param digests of the image's layers, the lowest first; what other layers hold is left out
   */
  public Trace trace(List<String> digests, int support) {
    Map<String, Integer> numbers = new HashMap<>();
    for (int i = 0; i < digests.size(); i++) {
      numbers.putIfAbsent(digests.get(i), i);
    }
    List<Access> accesses = new ArrayList<>();
    for (Extent extent : extents()) {
      Integer layer = numbers.get(extent.layer());
      if (layer != null && extent.support() >= support) {
        accesses.add(new Access(layer, extent.offset(), extent.length()));
      }
    }
    return Trace.of(accesses);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Runs that && runs.equals(that.runs);
  }

  @Override
  public int hashCode() {
    return runs.hashCode();
  }

  @Override
  public String toString() {
    return Arrays.toString(runs.stream().map(Run::id).toArray());
  }
}
