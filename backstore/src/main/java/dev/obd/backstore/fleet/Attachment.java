package dev.obd.backstore.fleet;

import dev.obd.backstore.config.PrefetchConfig;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/**
 * What is attached, as it is kept on disk while it is.
 *
 * @param name unique in a home
 * @param source as the user named it
 * @param where what the door's front-end was asked for; empty for TCMU
 * @param node the device node, or what else clients open; empty before there is one
 * @param mount where its file system is mounted
 * @param mountMade the directory was made for it, and goes with it
 * @param upper directory of the writable layer; empty for a read-only device, or if the source
 *     brings its own
 * @param prefetch what is prefetched besides; the time to wait is not kept
 * @param complete false while it is being attached: what is found so was left by a crash
 */
public record Attachment(
    String name,
    String source,
    Door door,
    String where,
    String node,
    Optional<Path> mount,
    boolean mountMade,
    String fsType,
    String mountOptions,
    boolean writable,
    Optional<Path> upper,
    ReplayRequest replay,
    PrefetchConfig prefetch,
    Instant since,
    boolean complete) {
  /** Reached there. */
  Attachment at(String address) {
    return with(where, address, mountMade, fsType, complete);
  }

  /** Exported as asked there. */
  Attachment askedFor(String address) {
    return with(address, node, mountMade, fsType, complete);
  }

  /** With this file system. */
  Attachment holding(String type) {
    return with(where, node, mountMade, type, complete);
  }

  /** About to be mounted. */
  Attachment mounting(boolean made) {
    return with(where, node, made, fsType, complete);
  }

  /** Attached. */
  Attachment completed() {
    return with(where, node, mountMade, fsType, true);
  }

  /** What is learnt on the way; what was asked for stays. */
  private Attachment with(
      String where, String node, boolean mountMade, String fsType, boolean complete) {
    return new Attachment(
        name,
        source,
        door,
        where,
        node,
        mount,
        mountMade,
        fsType,
        mountOptions,
        writable,
        upper,
        replay,
        prefetch,
        since,
        complete);
  }
}
