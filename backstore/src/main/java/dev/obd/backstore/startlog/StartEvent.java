package dev.obd.backstore.startlog;

import dev.obd.io.ReadContext.Purpose;

/**
 * One read that ended, at one place of the read path. Times are microseconds since the log began.
 *
 * @param kind where
 * @param thread whose it was: reads that it took are on the same thread, and end before it
 * @param beginMicros when it began
 * @param endMicros when it ended, not before it began
 * @param layer index into the image's layers, 0 = lowest; -1 for {@link Kind#DISK}
 * @param offset bytes from the start of the disk, of the uncompressed layer or of the blob
 * @param length bytes asked for
 * @param purpose why it was begun
 * @param raised somebody came to wait for it, though nobody did when it was begun
 * @param ok false if it failed
 */
public record StartEvent(
    Kind kind,
    long thread,
    long beginMicros,
    long endMicros,
    int layer,
    long offset,
    long length,
    Purpose purpose,
    boolean raised,
    boolean ok) {
  /** Places of the read path, from the client down. */
  public enum Kind {
    /** A read by a front-end's client; disk bytes. */
    DISK("disk"),
    /** A read of a layer; bytes of the uncompressed layer. */
    LAYER("layer"),
    /** A read of a blob, by way of the cache; blob bytes. */
    BLOB("blob"),
    /** A request that waits for its turn, and the request itself; blob bytes. */
    TURN("turn"),
    /** A request to where the blob is kept; blob bytes. */
    WIRE("wire");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    /** As a log has it. */
    public String label() {
      return label;
    }
  }

  public StartEvent {
    if (beginMicros < 0 || endMicros < beginMicros) {
      throw new IllegalArgumentException("times: " + beginMicros + " to " + endMicros);
    }
    if (layer < -1 || layer > StartLog.MAX_LAYERS || (layer == -1) != (kind == Kind.DISK)) {
      throw new IllegalArgumentException("layer: " + layer + " of a read of kind " + kind.label);
    }
    if (offset < 0 || length < 0 || offset + length < 0) {
      throw new IllegalArgumentException("range: " + length + " bytes at " + offset);
    }
  }

  /** The first byte after the range. */
  public long end() {
    return offset + length;
  }
}
