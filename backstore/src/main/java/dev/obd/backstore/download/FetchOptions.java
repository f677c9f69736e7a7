package dev.obd.backstore.download;

import java.time.Duration;

/**
 * How whole blobs are fetched.
 *
 * @param streams ranges under way at once, over all blobs
 * @param pieceBytes a range; the last one of a blob may be shorter
 * @param bytesPerSecond most bytes fetched in a second, on average; 0 is without limit
 * @param patience how long one range may take, retries included
 */
public record FetchOptions(int streams, int pieceBytes, long bytesPerSecond, Duration patience) {
  /** Fast enough for any link whose product of bandwidth and delay is below 8 MiB. */
  public static final FetchOptions DEFAULT = new FetchOptions(8, 1 << 20, 0, Duration.ofMinutes(2));

  private static final int MAX_STREAMS = 64;
  private static final int MAX_PIECE = 16 << 20;

  public FetchOptions {
    require(streams >= 1 && streams <= MAX_STREAMS, "streams: expected 1 to 64, got " + streams);
    require(
        Integer.bitCount(pieceBytes) == 1 && pieceBytes >= 4096 && pieceBytes <= MAX_PIECE,
        "pieceBytes: expected a power of two from 4096 to 16 MiB, got " + pieceBytes);
    require(bytesPerSecond >= 0, "bytesPerSecond: expected at least 0, got " + bytesPerSecond);
    require(patience.isPositive(), "patience: expected more than nothing, got " + patience);
  }

  /** The same with another number of ranges at once. */
  public FetchOptions withStreams(int replacement) {
    return new FetchOptions(replacement, pieceBytes, bytesPerSecond, patience);
  }

  /** The same with another limit. */
  public FetchOptions withBytesPerSecond(long replacement) {
    return new FetchOptions(streams, pieceBytes, replacement, patience);
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalArgumentException(otherwise);
    }
  }
}
