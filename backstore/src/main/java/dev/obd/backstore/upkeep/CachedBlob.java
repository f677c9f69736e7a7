package dev.obd.backstore.upkeep;

import java.time.Instant;
import java.util.List;

/**
 * A blob of the cache.
 *
 * @param from where it comes from: a repository; empty if that is not known
 * @param format what kind of layer file it is, as {@code tar+zfile}; {@code -} if that cannot be
 *     told
 * @param blobBytes the whole blob
 * @param presentBytes what of it is on disk
 * @param lastUse when it was opened or closed last
 * @param images of the local store that have it for a layer
 * @param devices that have it for a layer
 * @param inUse whether somebody has it open, a device or another process
 * @param pinned whether it stays whatever happens
 */
public record CachedBlob(
    String digest,
    String from,
    String format,
    long blobBytes,
    long presentBytes,
    Instant lastUse,
    List<String> images,
    List<String> devices,
    boolean inUse,
    boolean pinned) {
  /** True if an image or a device needs it. */
  boolean isWanted() {
    return !images.isEmpty() || !devices.isEmpty();
  }
}
