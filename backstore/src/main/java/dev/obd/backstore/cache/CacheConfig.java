package dev.obd.backstore.cache;

import java.nio.file.Path;

/**
 * The on-disk block cache.
 *
 * @param directory where the files lie; made if it is missing
 * @param capacityBytes most bytes of blob data kept, over all blobs; 0 keeps nothing. The map files
 *     come on top: about 1/900 of it
 * @param unitBytes what is kept and evicted as one, and prefetched: a power of two from 4 KiB to 4
 *     MiB
 * @param refillBytes who misses something gets all around it in an aligned window of so many bytes,
 *     as far as that is not here: a power of two, at least one unit
 * @param freeReserveBytes free space the cache leaves to others on its file system
 * @param requestBytes most bytes of one request to the origin, at least one unit
 * @param gapBytes prefetch fetches a gap of up to this many bytes rather than making two requests
 * @param expand how many times what a reader misses is fetched from there on, in one request and
 *     not beyond what is here already; 1 fetches what is missed, in whole units
 */
public record CacheConfig(
    Path directory,
    long capacityBytes,
    int unitBytes,
    int refillBytes,
    long freeReserveBytes,
    int requestBytes,
    int gapBytes,
    int expand) {
  /** Most that a miss may be multiplied by. */
  public static final int MAX_EXPAND = 1024;

  private static final int MAX_REQUEST = 64 << 20;

  public CacheConfig {
    require(capacityBytes >= 0, "capacityBytes", "at least 0", capacityBytes);
    require(
        MapFormat.isUnit(unitBytes),
        "unitBytes",
        "a power of two from " + MapFormat.BLOCK_BYTES + " to " + MapFormat.MAX_UNIT_BYTES,
        unitBytes);
    require(
        MapFormat.isUnit(refillBytes) && refillBytes >= unitBytes,
        "refillBytes",
        "a power of two from one unit (" + unitBytes + ") to " + MapFormat.MAX_UNIT_BYTES,
        refillBytes);
    require(freeReserveBytes >= 0, "freeReserveBytes", "at least 0", freeReserveBytes);
    require(
        requestBytes >= unitBytes && requestBytes <= MAX_REQUEST,
        "requestBytes",
        "one unit (" + unitBytes + ") to " + MAX_REQUEST,
        requestBytes);
    require(gapBytes >= 0, "gapBytes", "at least 0", gapBytes);
    require(expand >= 1 && expand <= MAX_EXPAND, "expand", "1 to " + MAX_EXPAND, expand);
  }

  /**
   * 10 GiB in units of 16 KiB, windows of 64 KiB for readers, 1 GiB left free, requests of at most
   * 1 MiB, gaps of 64 KiB.
   */
  public static CacheConfig in(Path directory) {
    return new CacheConfig(
        directory, 10L << 30, 16 << 10, 64 << 10, 1L << 30, 1 << 20, 64 << 10, 1);
  }

  /** The same with another capacity. */
  public CacheConfig withCapacity(long bytes) {
    return with(bytes, unitBytes, refillBytes, freeReserveBytes, requestBytes, gapBytes, expand);
  }

  /** The same with another unit, of which readers get no more than they miss. */
  public CacheConfig withUnit(int bytes) {
    int request = Math.max(requestBytes, bytes);
    return with(capacityBytes, bytes, bytes, freeReserveBytes, request, gapBytes, expand);
  }

  /** The same with another window for readers, and units that are no larger. */
  public CacheConfig withRefill(int bytes) {
    int unit = Math.min(unitBytes, bytes);
    return with(capacityBytes, unit, bytes, freeReserveBytes, requestBytes, gapBytes, expand);
  }

  /** The same with another free-space reserve. */
  public CacheConfig withFreeReserve(long bytes) {
    return with(capacityBytes, unitBytes, refillBytes, bytes, requestBytes, gapBytes, expand);
  }

  /** The same with other limits of one request. */
  public CacheConfig withRequests(int most, int gap) {
    return with(capacityBytes, unitBytes, refillBytes, freeReserveBytes, most, gap, expand);
  }

  /** The same with another factor of what is missed. */
  public CacheConfig withExpand(int factor) {
    return with(
        capacityBytes, unitBytes, refillBytes, freeReserveBytes, requestBytes, gapBytes, factor);
  }

  private CacheConfig with(
      long capacity, int unit, int refill, long reserve, int request, int gap, int factor) {
    return new CacheConfig(directory, capacity, unit, refill, reserve, request, gap, factor);
  }

  private static void require(boolean ok, String key, String expected, long actual) {
    if (!ok) {
      throw new IllegalArgumentException(
          "cache." + key + ": expected " + expected + ", got " + actual);
    }
  }
}
