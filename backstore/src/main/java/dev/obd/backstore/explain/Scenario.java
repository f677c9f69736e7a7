package dev.obd.backstore.explain;

/**
 * A way in which a start could have gone.
 *
 * @param name what it is called
 * @param unitBytes in which blobs are fetched, a power of two; 0: as they were
 */
public record Scenario(String name, Link link, Mode mode, long unitBytes) {
  /** What is fetched before it is asked for. */
  public enum Mode {
    /** Nothing. */
    DEMAND,
    /** What the replay had planned; or, if there was none, all that was read, in that order. */
    REPLAY,
    /** All that was read, in that order, in one request. */
    HOT
  }

  public Scenario {
    if (unitBytes != 0 && (Long.bitCount(unitBytes) != 1 || unitBytes < 4096)) {
      throw new IllegalArgumentException("unit: expected a power of two, got " + unitBytes);
    }
  }
}
