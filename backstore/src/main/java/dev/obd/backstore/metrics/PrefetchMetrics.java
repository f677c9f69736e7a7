package dev.obd.backstore.metrics;

import dev.obd.backstore.source.PrefetchCeilings;

/** What was fetched before anybody asked for it. What of it was read later the cache counts. */
final class PrefetchMetrics implements Source {
  private final PrefetchCeilings ceilings;

  PrefetchMetrics(PrefetchCeilings ceilings) {
    this.ceilings = ceilings;
  }

  @Override
  public void addTo(Families f) {
    PrefetchCeilings.Counts counts = ceilings.counts();
    f.counter("obd_prefetch_requests", "Requests that nobody waited for.", counts.requests());
    f.counter("obd_prefetch_bytes", "Bytes that those requests brought.", counts.bytes());
    f.gauge("obd_prefetch_workers", "Requests under way that nobody waits for.", counts.running());
  }
}
