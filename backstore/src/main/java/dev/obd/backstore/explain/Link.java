package dev.obd.backstore.explain;

/**
 * A network to one host.
 *
 * @param rttMicros from a request to its answer's first byte, on an idle line
 * @param bytesPerSecond shared by all requests
 */
public record Link(long rttMicros, double bytesPerSecond) {
  public Link {
    if (rttMicros < 0 || !(bytesPerSecond > 0)) {
      throw new IllegalArgumentException("link: " + rttMicros + " us, " + bytesPerSecond + " B/s");
    }
  }
}
