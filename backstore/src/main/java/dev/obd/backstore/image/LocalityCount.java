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

/** Counts what of an image's layers is here. For one use. */
final class LocalityCount {
  private final List<OpenedLayer> layers;

  LocalityCount(List<OpenedLayer> layers) {
    this.layers = layers;
  }

  Locality of(Optional<Replayer> replayer) {
    return new Locality(all(), recorded(replayer));
  }

  Optional<Part> recorded(Optional<Replayer> replayer) {
    return replayer.filter(LocalityCount::hasTrace).map(r -> workingSet(r.wanted()));
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
  private static long present(CachedSource cache, Range range) {
    long local = 0;
    for (long at = range.offset(); at < range.end(); ) {
      long next = Math.min((at / cache.unitBytes() + 1) * cache.unitBytes(), range.end());
      local += cache.isPresent(new Range(at, next - at)) ? next - at : 0;
      at = next;
    }
    return local;
  }
}
