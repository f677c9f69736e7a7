package dev.obd.backstore.source;

/**
 * How fast one host may be asked.
 *
 * @param perSecond requests per second in the long run; 0 = as many as there are
 * @param burst how many may go at once after a rest
 * @param adaptive whether fewer go at once when the host refuses some, or answers late
 */
public record Pace(double perSecond, int burst, boolean adaptive) {
  /** As fast as the host puts up with. */
  public static final Pace ADAPTIVE = new Pace(0, 1, true);

  public Pace {
    if (!(perSecond >= 0) || perSecond > 1e6 || burst < 1) {
      throw new IllegalArgumentException(
          "pace: expected 0 to 1000000 requests per second in bursts of at least 1, got "
              + perSecond
              + " in bursts of "
              + burst);
    }
  }

  /** At most so many requests per second, and fewer at once if the host wants that. */
  public static Pace of(double perSecond, int burst) {
    return new Pace(perSecond, burst, true);
  }
}
