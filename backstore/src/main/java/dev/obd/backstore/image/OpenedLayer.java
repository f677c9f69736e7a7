package dev.obd.backstore.image;

import dev.obd.backstore.cache.CachedSource;
import dev.obd.backstore.device.StallReport;
import dev.obd.backstore.source.OriginHealth;
import dev.obd.backstore.source.SwitchedSource;
import dev.obd.format.lsmt.SealedLayer;
import java.util.Optional;

/**
 * A layer, and the sources in its chain that others need to get at.
 *
 * @param cache what keeps a remote blob's ranges
 * @param switched the raw blob, if a whole local copy may take its place
 * @param health of the link a remote blob comes over
 */
record OpenedLayer(
    SealedLayer sealed,
    LayerOrigin origin,
    long blobBytes,
    Optional<CachedSource> cache,
    Optional<SwitchedSource> switched,
    Optional<OriginHealth> health) {
  /** Why reads of this layer do not get on; empty as long as they do. */
  Optional<StallReport> stall() {
    return isRemote() ? health.flatMap(OriginHealth::stall) : Optional.empty();
  }

  /** True if the link this layer comes over is known to be down. */
  boolean isDown() {
    return isRemote() && health.filter(OriginHealth::isDown).isPresent();
  }

  /** What keeps this layer's ranges; empty if all of it is local. */
  Optional<CachedSource> ranges() {
    return isRemote() ? cache : Optional.empty();
  }

  private boolean isRemote() {
    return cache.isPresent() && switched.filter(SwitchedSource::isSwitched).isEmpty();
  }

  LayerState state() {
    boolean remote = isRemote();
    long local = remote ? Math.min(cache.orElseThrow().presentBytes(), blobBytes) : blobBytes;
    return new LayerState(origin.name(), remote, blobBytes, local);
  }
}
