package dev.obd.trace.runs;

/**
 * The first read of some bytes in a run.
 *
 * @param micros when, in microseconds since the recording began
 * @param layer index into {@link Run#layers}
 * @param offset bytes from the start of the layer's uncompressed LSMT stream
 * @param length bytes, at least 1
 */
public record Touch(long micros, int layer, long offset, long length) {
  public Touch {
    if (micros < 0 || layer < 0 || offset < 0 || length < 1 || offset + length < 0) {
      throw new IllegalArgumentException(
          "touch: micros " + micros + ", layer " + layer + ", " + offset + "+" + length);
    }
  }
}
