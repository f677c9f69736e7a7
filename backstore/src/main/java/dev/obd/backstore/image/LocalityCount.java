package dev.obd.backstore.image;

import dev.obd.backstore.cache.CachedSource;
import dev.obd.backstore.image.Locality.Part;
import dev.obd.backstore.prefetch.ReplayStats;
import dev.obd.backstore.prefetch.Replayer;
import dev.obd.io.Range;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Counts what of an image's layers is here. For one use.
 *
 * <p>Looks at many records on disk, but at a few at a time while the image is held open, so that
 * nobody waits long to close it.
 */
final class LocalityCount {
  /** Holds the image open for a moment. */
  @FunctionalInterface
  interface Gate {
    /** Runs {@code step} unless the image is closed or about to be; false if so. */
    boolean pass(Runnable step);
  }

  private static final long STEP_UNITS = 64;

  private final List<OpenedLayer> layers;
  private final Gate gate;
  private boolean stopped;

  LocalityCount(List<OpenedLayer> layers, Gate gate) {
    this.layers = layers;
    this.gate = gate;
  }

  /** Empty if the image is closed. */
  Optional<Locality> of(Optional<Replayer> replayer) {
    return unlessClosed(() -> Optional.of(new Locality(all(), part(replayer))));
  }

  /** Likewise, and if it is not all that is recorded. */
  Optional<Part> recorded(Optional<Replayer> replayer) {
    return unlessClosed(() -> part(replayer));
  }

  private <T> Optional<T> unlessClosed(Supplier<Optional<T>> count) {
    stopped = !gate.pass(() -> {});
    Optional<T> counted = stopped ? Optional.empty() : count.get();
    return stopped ? Optional.empty() : counted;
  }

  private Optional<Part> part(Optional<Replayer> replayer) {
    return replayer.filter(LocalityCount::hasAll).map(r -> workingSet(r.wanted()));
  }

  private static boolean hasAll(Replayer replayer) {
    return replayer.missing().isEmpty() && hasTrace(replayer);
  }

  private static boolean hasTrace(Replayer replayer) {
    return switch (replayer.stats().state()) {
      case ReplayStats.State.LOADING, ReplayStats.State.DAMAGED -> false;
      case ReplayStats.State.RUNNING, ReplayStats.State.DONE, ReplayStats.State.STOPPED -> true;
    };
  }

  private Part all() {
    long bytes = 0;
    long local = 0;
    for (OpenedLayer layer : layers) {
      bytes += layer.blobBytes();
      local +=
          layer
              .ranges()
              .map(cache -> present(cache, new Range(0, layer.blobBytes())))
              .orElse(layer.blobBytes());
    }
    return new Part(bytes, local);
  }

  private Part workingSet(List<Replayer.Wanted> wanted) {
    Set<Object> remote = Collections.newSetFromMap(new IdentityHashMap<>());
    layers.forEach(layer -> layer.ranges().ifPresent(remote::add));
    long bytes = 0;
    long local = 0;
    for (Replayer.Wanted part : wanted) {
      bytes += part.range().length();
      // A layer that has become local since the trace was read needs its cache no more.
      local +=
          part.cache() instanceof CachedSource cache && remote.contains(cache)
              ? present(cache, part.range())
              : part.range().length();
    }
    return new Part(bytes, local);
  }

  /** Unit by unit: a record on disk says whether one is here. */
  private long present(CachedSource cache, Range range) {
    long step = STEP_UNITS * cache.unitBytes();
    var local = new AtomicLong();
    for (long at = range.offset(); at < range.end() && !stopped; at += step) {
      Range part = new Range(at, Math.min(step, range.end() - at));
      stopped = !gate.pass(() -> local.addAndGet(presentNow(cache, part)));
    }
    return local.get();
  }

  private static long presentNow(CachedSource cache, Range range) {
    long local = 0;
    for (long at = range.offset(); at < range.end(); ) {
      long next = Math.min((at / cache.unitBytes() + 1) * cache.unitBytes(), range.end());
      local += cache.isPresent(new Range(at, next - at)) ? next - at : 0;
      at = next;
    }
    return local;
  }
}
