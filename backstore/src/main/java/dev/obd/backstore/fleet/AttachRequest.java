package dev.obd.backstore.fleet;

import dev.obd.backstore.config.PrefetchConfig;
import dev.obd.backstore.startlog.StartLogging;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a user asks to be attached.
 *
 * @param source an image, a {@code config.v1.json} or a layer file, as {@code obd serve} takes it;
 *     paths are absolute
 * @param name of the attachment: up to 48 letters, digits, {@code -} and {@code _}; empty: made
 *     from the source
 * @param door empty: the best one this machine has
 * @param mount where to mount its file system, absolute; made if it is missing
 * @param fsType of that file system; empty: what the disk says it is
 * @param mountOptions separated by commas; may be empty
 * @param writable changes go to a writable layer
 * @param upper the writable layer's directory, absolute; empty: named after the source, in the home
 * @param replay what of its recordings is replayed
 * @param prefetch what to prefetch besides; nothing if nothing is to be replayed
 * @param startLog where to write what happens from now on; empty to log nothing
 */
public record AttachRequest(
    String source,
    Optional<String> name,
    Optional<Door> door,
    Optional<Path> mount,
    Optional<String> fsType,
    String mountOptions,
    boolean writable,
    Optional<Path> upper,
    ReplayRequest replay,
    Optional<StartLogging.Target> startLog,
    PrefetchConfig prefetch) {
  /** Read-only, by the best door, not mounted. */
  public static AttachRequest of(String source) {
    return new AttachRequest(
        source,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        "",
        false,
        Optional.empty(),
        ReplayRequest.ALL,
        Optional.empty(),
        PrefetchConfig.NONE);
  }

  public AttachRequest named(String attachment) {
    return new AttachRequest(
        source,
        Optional.of(attachment),
        door,
        mount,
        fsType,
        mountOptions,
        writable,
        upper,
        replay,
        startLog,
        prefetch);
  }

  public AttachRequest via(Door through) {
    return new AttachRequest(
        source,
        name,
        Optional.of(through),
        mount,
        fsType,
        mountOptions,
        writable,
        upper,
        replay,
        startLog,
        prefetch);
  }

  public AttachRequest mountedAt(Path directory) {
    return new AttachRequest(
        source,
        name,
        door,
        Optional.of(directory),
        fsType,
        mountOptions,
        writable,
        upper,
        replay,
        startLog,
        prefetch);
  }

  public AttachRequest withFsType(String type) {
    return new AttachRequest(
        source,
        name,
        door,
        mount,
        Optional.of(type),
        mountOptions,
        writable,
        upper,
        replay,
        startLog,
        prefetch);
  }

  /** Writable, with the writable layer in {@code directory} or where the source's is. */
  public AttachRequest writable(Optional<Path> directory) {
    return new AttachRequest(
        source,
        name,
        door,
        mount,
        fsType,
        mountOptions,
        true,
        directory,
        replay,
        startLog,
        prefetch);
  }

  public AttachRequest withReplay(boolean on) {
    return withReplay(ReplayRequest.of(on));
  }

  public AttachRequest withReplay(ReplayRequest what) {
    return new AttachRequest(
        source, name, door, mount, fsType, mountOptions, writable, upper, what, startLog, prefetch);
  }

  public AttachRequest withStartLog(StartLogging.Target target) {
    return new AttachRequest(
        source,
        name,
        door,
        mount,
        fsType,
        mountOptions,
        writable,
        upper,
        replay,
        Optional.of(target),
        prefetch);
  }

  public AttachRequest prefetching(PrefetchConfig what) {
    return new AttachRequest(
        source, name, door, mount, fsType, mountOptions, writable, upper, replay, startLog, what);
  }
}
