package dev.obd.backstore.startlog;

import java.util.List;

/**
 * What happened from the moment an image began to be opened. Immutable.
 *
 * @param image what it is called
 * @param diskBytes the disk's size; 0 if it could not be opened
 * @param layers lowest first
 * @param needs what the trace's records need of the blobs, in whole units, one for each that needs
 *     something, in the order of the trace; empty without a replay
 * @param steps the requests that the replay was to make for them, in order
 * @param events in the order in which they ended
 * @param endMicros when the log ended, since it began
 * @param dropped events for which there was no room
 */
public record StartLog(
    String image,
    long diskBytes,
    List<Layer> layers,
    List<Planned> needs,
    List<Planned> steps,
    List<StartEvent> events,
    long endMicros,
    long dropped) {
  /** As many as an image may have. */
  public static final int MAX_LAYERS = 4096;

  /**
   * A layer.
   *
   * @param name what messages call its blob
   * @param digest of the blob; empty if it has none
   * @param blobBytes the blob's size
   * @param unitBytes in which its blob is prefetched and kept; 0 if the layer is a local file
   * @param refillBytes the aligned window that a read gets which misses some of it; 0 likewise
   */
  public record Layer(
      String name, String digest, long blobBytes, long unitBytes, long refillBytes) {}

  /**
   * A part of a blob.
   *
   * @param layer whose blob
   */
  public record Planned(int layer, long offset, long length) {
    public Planned {
      if (layer < 0 || layer >= MAX_LAYERS || offset < 0 || length < 0 || offset + length < 0) {
        throw new IllegalArgumentException(
            "planned: layer " + layer + ", " + length + " bytes at " + offset);
      }
    }

    /** The first byte after it. */
    public long end() {
      return offset + length;
    }
  }

  public StartLog {
    layers = List.copyOf(layers);
    needs = List.copyOf(needs);
    steps = List.copyOf(steps);
    events = List.copyOf(events);
  }
}
