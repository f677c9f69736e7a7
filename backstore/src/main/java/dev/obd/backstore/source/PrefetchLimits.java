package dev.obd.backstore.source;

/**
 * Ceilings of everything that is fetched before somebody asks for it, over all images of a process.
 * What somebody waits for is not bound by them.
 *
 * @param enabled false: nothing is fetched ahead, whatever an image says
 * @param threads most requests under way at once; 0 = as many as the link is good for
 * @param requestBytes no request is larger; 0 = no ceiling
 * @param bytesPerSecond of all requests together; 0 = no ceiling, else at least {@link #LEAST_RATE}
 */
public record PrefetchLimits(boolean enabled, int threads, long requestBytes, long bytesPerSecond) {
  /** No ceilings. */
  public static final PrefetchLimits NONE = new PrefetchLimits(true, 0, 0, 0);

  public static final int MOST_THREADS = 1024;
  public static final long LEAST_REQUEST = 4 << 10;
  public static final long LEAST_RATE = 64 << 10;

  public PrefetchLimits {
    require(threads >= 0 && threads <= MOST_THREADS, "threads", "0 to " + MOST_THREADS, threads);
    require(
        requestBytes == 0 || requestBytes >= LEAST_REQUEST,
        "request bytes",
        "0 or at least " + LEAST_REQUEST,
        requestBytes);
    require(
        bytesPerSecond == 0 || bytesPerSecond >= LEAST_RATE,
        "bytes per second",
        "0 or at least " + LEAST_RATE,
        bytesPerSecond);
  }

  private static void require(boolean ok, String what, String expected, long actual) {
    if (!ok) {
      throw new IllegalArgumentException(
          "prefetch: " + what + ": expected " + expected + ", got " + actual);
    }
  }
}
