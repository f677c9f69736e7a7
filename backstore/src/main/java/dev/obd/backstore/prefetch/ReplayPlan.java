package dev.obd.backstore.prefetch;

import dev.obd.io.BlockSource;
import dev.obd.io.DerivedSource;
import dev.obd.io.Prefetchable;
import dev.obd.io.Range;
import dev.obd.trace.Access;
import dev.obd.trace.Coalescer;
import dev.obd.trace.Trace;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;

/**
 * What to ask of which cache, in order. Every byte at most once, so a plan never exceeds the blobs;
 * whole units, so the number of requests never exceeds the units.
 *
 * @param needs what each record needs, in whole units
 * @param steps the requests for all of that
 * @param skipped records that need nothing
 */
record ReplayPlan(List<Step> needs, List<Step> steps, long skipped) {
  /** One request. */
  record Step(Prefetchable cache, Range range) {}

  static final ReplayPlan NONE = new ReplayPlan(List.of(), List.of(), 0);

  ReplayPlan {
    needs = List.copyOf(needs);
    steps = List.copyOf(steps);
  }

  long bytes() {
    return steps.stream().mapToLong(step -> step.range().length()).sum();
  }

  static ReplayPlan of(List<? extends BlockSource> layers, Trace trace, ReplayOptions options) {
    return new Planner(layers, options).plan(trace);
  }

  private static final class Planner {
    /** Of a longer record only the start is used: known recorders make 16 MB at most. */
    private static final long MAX_RECORD_BYTES = 16 << 20;

    private final List<? extends BlockSource> layers;
    private final ReplayOptions options;

    /** A cache's number is its place in the list; two layers may share one. */
    private final List<Prefetchable> caches = new ArrayList<>();

    private final IdentityHashMap<Prefetchable, Integer> numbers = new IdentityHashMap<>();

    Planner(List<? extends BlockSource> layers, ReplayOptions options) {
      this.layers = layers;
      this.options = options;
    }

    ReplayPlan plan(Trace trace) {
      List<Access> needed = new ArrayList<>();
      for (Access access : trace) {
        needed(access).ifPresent(needed::add);
      }
      // All units are powers of two, so a multiple of the largest is one of each.
      long unit = caches.stream().mapToLong(Prefetchable::unitBytes).max().orElse(1);
      long longest = roundUp(options.requestBytes(), unit);
      List<Step> steps = new ArrayList<>();
      for (Access piece : Coalescer.coalesce(needed, options.gapBytes(), longest)) {
        steps.add(step(piece));
      }
      List<Step> needs = needed.stream().map(this::step).toList();
      return new ReplayPlan(needs, steps, trace.size() - needed.size());
    }

    private Step step(Access piece) {
      Prefetchable cache = caches.get(piece.layer());
      long end = Math.min(piece.offset() + piece.length(), cache.size());
      return new Step(cache, new Range(piece.offset(), end - piece.offset()));
    }

    /** The units of a cache that an access of a layer needs, with the cache's number as layer. */
    private Optional<Access> needed(Access access) {
      if (access.layer() >= layers.size()) {
        return Optional.empty();
      }
      BlockSource source = layers.get(access.layer());
      Range range = clip(source, access.offset(), Math.min(access.length(), MAX_RECORD_BYTES));
      while (!(source instanceof Prefetchable) && range.length() > 0) {
        if (!(source instanceof DerivedSource derived)) {
          return Optional.empty(); // all of it is local
        }
        Range below = derived.baseRange(range.offset(), range.length());
        source = derived.base();
        range = clip(source, below.offset(), below.length());
      }
      if (range.length() == 0 || !(source instanceof Prefetchable cache)) {
        return Optional.empty();
      }
      long unit = cache.unitBytes();
      long start = range.offset() & -unit;
      return Optional.of(new Access(number(cache), start, roundUp(range.end() - start, unit)));
    }

    private int number(Prefetchable cache) {
      return numbers.computeIfAbsent(
          cache,
          added -> {
            caches.add(added);
            return caches.size() - 1;
          });
    }

    private static Range clip(BlockSource source, long offset, long length) {
      long start = Math.min(offset, source.size());
      return new Range(start, Math.min(length, source.size() - start));
    }

    private static long roundUp(long bytes, long unit) {
      return (bytes + unit - 1) & -unit;
    }
  }
}
