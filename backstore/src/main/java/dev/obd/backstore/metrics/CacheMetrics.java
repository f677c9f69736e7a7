package dev.obd.backstore.metrics;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.cache.CacheStats;

/** The blob cache, and what prefetch did to it. */
final class CacheMetrics implements Source {
  private final BlobCache cache;

  CacheMetrics(BlobCache cache) {
    this.cache = cache;
  }

  @Override
  public void addTo(Families f) {
    CacheStats stats = cache.stats();
    CacheStats.Snapshot now = stats.snapshot();
    f.gauge("obd_cache_used_bytes", "Bytes of blobs kept on disk.", cache.usedBytes());
    f.gauge("obd_cache_capacity_bytes", "Most bytes kept on disk.", cache.capacityBytes());
    f.counter(
        "obd_cache_read_bytes", "Bytes read through the cache.", now.hitBytes(), "result", "hit");
    f.counter(
        "obd_cache_read_bytes", "Bytes read through the cache.", now.missBytes(), "result", "miss");
    f.histogram(
        "obd_cache_read_seconds",
        "How long reads through the cache took; a miss needed a fetch, of its own or another's.",
        stats.hitLatency(),
        "result",
        "hit");
    f.histogram(
        "obd_cache_read_seconds",
        "How long reads through the cache took; a miss needed a fetch, of its own or another's.",
        stats.missLatency(),
        "result",
        "miss");
    f.counter("obd_cache_joined_reads", "Waits for another's fetch.", now.joins());
    f.counter("obd_cache_fetches", "Requests to registries.", now.requests());
    f.counter("obd_cache_fetched_bytes", "Bytes they brought.", now.fetchedBytes());
    f.counter("obd_prefetch_fetches", "Fetches nobody was waiting for.", now.aheadRequests());
    f.counter("obd_prefetch_bytes", "Bytes they brought.", now.aheadBytes());
    f.counter(
        "obd_prefetch_used_bytes",
        "Bytes of prefetched units that were read later, whole units.",
        now.aheadUsedBytes());
    f.gauge(
        "obd_prefetch_unused_bytes",
        "Prefetched bytes that nobody has read so far: wasted, if it stays so.",
        Math.max(0, now.aheadBytes() - now.aheadUsedBytes()));
    f.counter(
        "obd_prefetch_late",
        "Prefetches under way that a reader came to wait for.",
        now.promotions());
    f.counter(
        "obd_cache_overtaken_fetches",
        "Fetches so slow that a reader who waited for them asked once more.",
        now.overtaken());
    f.counter(
        "obd_cache_checksum_failures",
        "Units or records on disk that were damaged, and were fetched again.",
        now.corruptUnits());
    f.counter("obd_cache_evictions", "Units dropped to make room.", now.evictedUnits());
    f.counter("obd_cache_evicted_bytes", "Bytes of them.", now.evictedBytes());
    f.counter("obd_cache_unstored", "Fetched units that could not be kept.", now.unstoredUnits());
    f.counter("obd_cache_disk_errors", "I/O errors of the cache's own files.", now.diskErrors());
  }
}
