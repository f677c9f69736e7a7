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
import java.util.stream.Collectors;

/**
 * A set of runs of at most {@link #MAX_RUNS}, the newest. Merging is union: the order in which runs
 * come together, and how often, makes no difference. Immutable.
 */
public final class Runs {
  /** Older ones are left out. */
  public static final int MAX_RUNS = 64;

  /** No runs. */
  public static final Runs NONE = of(List.of());

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

  public boolean isEmpty() {
    return runs.isEmpty();
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
  public record Extent(String layer, long offset, long length, int support, long micros) {
    private boolean continuedBy(Extent next) {
      return offset + length == next.offset && support == next.support && micros == next.micros;
    }
  }

  /** The names of the runs, each once, sorted. */
  public SortedSet<String> names() {
    return runs.stream().map(Run::name).collect(Collectors.toCollection(TreeSet::new));
  }

  /** Those of one program. */
  public Runs named(String name) {
    return new Runs(runs.stream().filter(run -> run.name().equals(name)).toList());
  }

  /** The newest of these, so many. */
  public Runs newest(int most) {
    return new Runs(runs.stream().limit(most).toList());
  }

  /** What the runs read: by first touch, layer and offset; no byte twice. */
  public List<Extent> extents() {
    Map<String, List<Span>> byLayer = new TreeMap<>();
    for (Run run : runs) {
      for (Touch touch : run.touches()) {
        byLayer
            .computeIfAbsent(run.layers().get(touch.layer()), _ -> new ArrayList<>())
            .add(new Span(touch.offset(), touch.offset() + touch.length(), touch.micros()));
      }
    }
    List<Extent> extents = new ArrayList<>();
    byLayer.forEach((layer, spans) -> sweep(layer, spans, extents));
    extents.sort(
        Comparator.comparingLong(Extent::micros)
            .thenComparing(Extent::layer)
            .thenComparingLong(Extent::offset));
    return extents;
  }

  /** A touch within its layer. */
  private record Span(long from, long end, long micros) {}

  /** Cuts a layer where any touch begins or ends, and joins what is alike. */
  private static void sweep(String layer, List<Span> spans, List<Extent> into) {
    spans.sort(Comparator.comparingLong(Span::from));
    List<Span> open = new ArrayList<>(); // at most one of each run
    Extent last = null;
    long from = 0;
    for (int next = 0; next < spans.size() || !open.isEmpty(); ) {
      long cut = next < spans.size() ? spans.get(next).from : Long.MAX_VALUE;
      for (Span span : open) {
        cut = Math.min(cut, span.end);
      }
      if (!open.isEmpty() && cut > from) {
        long[] times = open.stream().mapToLong(Span::micros).sorted().toArray();
        Extent piece =
            new Extent(layer, from, cut - from, times.length, times[(times.length - 1) / 2]);
        if (last != null && last.continuedBy(piece)) {
          piece =
              new Extent(layer, last.offset, last.length + piece.length, last.support, last.micros);
          into.removeLast();
        }
        into.add(piece);
        last = piece;
      }
      long at = cut;
      open.removeIf(span -> span.end == at);
      while (next < spans.size() && spans.get(next).from == at) {
        open.add(spans.get(next++));
      }
      from = at;
    }
  }

  /**
   * A trace for replay: what at least {@code support} runs read, in the order of first touch, and
   * when that was.
   *
   * @param digests of the image's layers, the lowest first; what other layers hold is left out
   */
  public Trace trace(List<String> digests, int support) {
    return trace(
        extents().stream().filter(extent -> extent.support() >= support).toList(), digests);
  }

  /**
   * A trace of some extents, in their order.
   *
   * @param digests of the image's layers, the lowest first; what other layers hold is left out
   */
  public static Trace trace(List<Extent> extents, List<String> digests) {
    Map<String, Integer> numbers = new HashMap<>();
    for (int i = 0; i < digests.size(); i++) {
      numbers.putIfAbsent(digests.get(i), i);
    }
    List<Extent> known =
        extents.stream().filter(extent -> numbers.containsKey(extent.layer())).toList();
    List<Access> accesses =
        known.stream()
            .map(e -> new Access(numbers.getOrDefault(e.layer(), 0), e.offset(), e.length()))
            .toList();
    return Trace.of(accesses).withMicros(known.stream().mapToLong(Extent::micros).toArray());
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
