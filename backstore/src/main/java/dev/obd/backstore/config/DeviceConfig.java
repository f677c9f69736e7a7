package dev.obd.backstore.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * overlaybd's per-device file, {@code config.v1.json}.
 *
 * @param repoBlobUrl {@code scheme://host/v2/<repo>/blobs}; empty if every layer is local
 * @param lowers lowest layer first; with {@code accelerationLayer} the last one is the trace layer
 * @param upper the writable layer; empty for a read-only device
 * @param resultFile where the outcome of opening is written
 * @param download goes before the process's settings, as a whole
 * @param recordTracePath trace or file list; see {@code docs/formats/trace.md}
 * @param prefetch what to prefetch besides what the image says; a key of obd's own
 * @param unknownKeys keys that were found and mean nothing to obd, for a warning
 */
public record DeviceConfig(
    String repoBlobUrl,
    List<Lower> lowers,
    Optional<Upper> upper,
    Optional<Path> resultFile,
    Optional<DownloadConfig> download,
    boolean accelerationLayer,
    Optional<Path> recordTracePath,
    PrefetchConfig prefetch,
    List<String> unknownKeys) {

  /**
   * One read-only layer.
   *
   * @param size raw blob bytes; 0 if not said
   */
  public record Lower(
      Optional<Path> file,
      Optional<Path> dir,
      Optional<String> digest,
      long size,
      Optional<Path> targetFile,
      Optional<String> targetDigest,
      Optional<Path> gzipIndex) {
    /** True for a layer whose data lies in another file (turboOCI). */
    public boolean isWarp() {
      return targetFile.isPresent() || targetDigest.isPresent();
    }
  }

  /** The writable layer's two files. */
  public record Upper(Path index, Path data, Optional<Path> target, Optional<Path> gzipIndex) {}
}
