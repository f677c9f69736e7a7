package dev.obd.backstore.download;

import java.util.Optional;

/**
 * How far an image's download is.
 *
 * @param layers to be downloaded
 * @param layersDone that are local and in use
 * @param bytes of all these layers
 * @param bytesDone of them that are on disk, as far as they have been looked at
 * @param fetchedBytes that came over the network
 * @param problem what went wrong last, for humans
 */
public record DownloadStatus(
    State state,
    int layers,
    int layersDone,
    long bytes,
    long bytesDone,
    long fetchedBytes,
    Optional<String> problem) {
  /** What a download does. */
  public enum State {
    /** Its delay has not passed. */
    WAITING,
    /** Fetches. */
    RUNNING,
    /** Every layer is local. */
    DONE,
    /** Some layer was given up and stays remote. */
    FAILED,
    /** The image was closed first. */
    STOPPED
  }
}
