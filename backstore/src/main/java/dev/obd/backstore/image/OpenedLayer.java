package dev.obd.backstore.image;

import dev.obd.backstore.cache.CachedSource;
import dev.obd.backstore.source.SwitchedSource;
import dev.obd.format.lsmt.SealedLayer;
import java.util.Optional;

/**
 * A layer, and the sources in its chain that others need to get at.
 *
 * @param cache what keeps a remote blob's ranges
 * @param switched the raw blob, if a whole local copy may take its place
 */
record OpenedLayer(
    SealedLayer sealed,
    LayerOrigin origin,
    long blobBytes,
    Optional<CachedSource> cache,
    Optional<SwitchedSource> switched) {
  LayerState state() {
    boolean remote = cache.isPresent() && switched.filter(SwitchedSource::isSwitched).isEmpty();
    long local = remote ? Math.min(cache.orElseThrow().presentBytes(), blobBytes) : blobBytes;
    return new LayerState(origin.name(), remote, blobBytes, local);
  }
}
