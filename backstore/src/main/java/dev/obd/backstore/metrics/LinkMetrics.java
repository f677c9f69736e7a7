package dev.obd.backstore.metrics;

import dev.obd.backstore.source.FetchScheduler;
import dev.obd.registry.http.RequestCounts;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Registries: how requests ended, and what waits for its turn. */
final class LinkMetrics implements Source {
  private static final int MAX_LINKS = 64;

  private final RequestCounts requests;
  private final Supplier<Map<String, FetchScheduler>> links;

  LinkMetrics(RequestCounts requests, Supplier<Map<String, FetchScheduler>> links) {
    this.requests = requests;
    this.links = links;
  }

  @Override
  public void addTo(Families f) {
    for (RequestCounts.Count count : requests.all()) {
      f.counter(
          "obd_registry_requests",
          "Requests to registries and where they redirect to, by how they ended.",
          count.requests(),
          "host",
          count.host(),
          "result",
          count.result());
    }
    int number = 0;
    for (var link : new TreeMap<>(links.get()).entrySet()) {
      String host = number++ < MAX_LINKS ? link.getKey() : "other";
      FetchScheduler.Load load = link.getValue().load();
      String running = "Requests for blob data under way.";
      f.gauge("obd_link_running", running, load.demand(), "host", host, "purpose", "demand");
      f.gauge("obd_link_running", running, load.other(), "host", host, "purpose", "prefetch");
      f.gauge("obd_link_queued", "Requests that wait for their turn.", load.queued(), "host", host);
      f.counterSeconds(
          "obd_link_wait_seconds",
          "Time that requests have spent waiting for their turn.",
          load.waitedNanos(),
          "host",
          host);
    }
  }
}
