package dev.obd.backstore.cache;

import dev.obd.io.Latencies;
import dev.obd.io.LatencySnapshot;
import dev.obd.io.Ticker;
import java.util.concurrent.atomic.LongAdder;

/** What a cache did since it was opened. Thread-safe; {@link #snapshot} is not one instant. */
public final class CacheStats {
  final LongAdder hits = new LongAdder();
  final LongAdder hitBytes = new LongAdder();
  final LongAdder misses = new LongAdder();
  final LongAdder missBytes = new LongAdder();
  final LongAdder joins = new LongAdder();
  final LongAdder requests = new LongAdder();
  final LongAdder fetchedBytes = new LongAdder();
  final LongAdder aheadRequests = new LongAdder();
  final LongAdder aheadBytes = new LongAdder();
  final LongAdder aheadUsedBytes = new LongAdder();
  final LongAdder promotions = new LongAdder();
  final LongAdder overtaken = new LongAdder();
  final LongAdder corruptUnits = new LongAdder();
  final LongAdder evictedUnits = new LongAdder();
  final LongAdder evictedBytes = new LongAdder();
  final LongAdder unstoredUnits = new LongAdder();
  final LongAdder diskErrors = new LongAdder();
  final Latencies hitTimes = new Latencies();
  final Latencies missTimes = new Latencies();
  final Ticker ticker;

  /**
   * Numbers since the cache was opened.
   *
   * @param hits reads, or parts of a read within one unit, answered from disk
   * @param misses the same, answered by a fetch: own or joined
   * @param missBytes bytes of those reads, not of the fetches
   * @param joins waits for another reader's or a prefetch's fetch
   * @param requests requests to origins, all purposes
   * @param fetchedBytes bytes those requests brought
   * @param aheadRequests the part of {@code requests} that nobody was waiting for (prefetch)
   * @param aheadBytes the part of {@code fetchedBytes} that nobody was waiting for
   * @param aheadUsedBytes bytes of prefetched units that were read later, whole units
   * @param promotions prefetches under way that a reader came to wait for
   * @param overtaken fetches under way for which a reader did not wait any longer
   * @param corruptUnits units or records that failed their checksum
   * @param evictedUnits units dropped to make room
   * @param unstoredUnits fetched units that could not be kept: no room, a failing disk
   * @param diskErrors I/O errors of the cache's own files
   */
  public record Snapshot(
      long hits,
      long hitBytes,
      long misses,
      long missBytes,
      long joins,
      long requests,
      long fetchedBytes,
      long aheadRequests,
      long aheadBytes,
      long aheadUsedBytes,
      long promotions,
      long overtaken,
      long corruptUnits,
      long evictedUnits,
      long evictedBytes,
      long unstoredUnits,
      long diskErrors) {}

  CacheStats(Ticker ticker) {
    this.ticker = ticker;
  }

  /** How long reads took that were answered from disk alone. */
  public LatencySnapshot hitLatency() {
    return hitTimes.snapshot();
  }

  /** How long reads took of which some part had to be fetched, or waited for. */
  public LatencySnapshot missLatency() {
    return missTimes.snapshot();
  }

  /** The numbers now. */
  public Snapshot snapshot() {
    return new Snapshot(
        hits.sum(),
        hitBytes.sum(),
        misses.sum(),
        missBytes.sum(),
        joins.sum(),
        requests.sum(),
        fetchedBytes.sum(),
        aheadRequests.sum(),
        aheadBytes.sum(),
        aheadUsedBytes.sum(),
        promotions.sum(),
        overtaken.sum(),
        corruptUnits.sum(),
        evictedUnits.sum(),
        evictedBytes.sum(),
        unstoredUnits.sum(),
        diskErrors.sum());
  }
}
