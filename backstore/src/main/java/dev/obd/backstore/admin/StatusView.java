package dev.obd.backstore.admin;

import dev.obd.backstore.cache.CacheStats;
import dev.obd.backstore.fleet.DeviceStatus;
import dev.obd.backstore.fleet.DoorStatus;
import dev.obd.registry.http.RequestCounts;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The daemon as the control API shows it; docs/control-api.md explains the fields. */
record StatusView(
    String version,
    long pid,
    long uptimeSeconds,
    String home,
    @Nullable String config,
    String logLevel,
    List<String> endpoints,
    List<String> remarks,
    Map<String, Integer> devices,
    List<Parked> parked,
    List<DoorView> doors,
    CacheView cache,
    List<RequestCounts.Count> registryRequests,
    List<LinkView> links) {
  record Parked(String id, String state, @Nullable String reason, @Nullable Integer tries) {}

  record DoorView(String door, boolean available, @Nullable String because) {}

  record CacheView(
      long usedBytes,
      long capacityBytes,
      long hits,
      long misses,
      long fetchedBytes,
      long prefetchedBytes,
      long prefetchedAndReadBytes,
      long evictedBytes,
      long checksumFailures,
      long diskErrors) {}

  record LinkView(String host, int demand, int prefetch, int queued) {}

  static StatusView of(
      DaemonFacts facts, String logLevel, List<DeviceStatus> devices, List<DoorStatus> doors) {
    var states = new TreeMap<String, Integer>();
    devices.forEach(d -> states.merge(DeviceView.word(d.state()), 1, Integer::sum));
    CacheStats.Snapshot cache = facts.cache().stats().snapshot();
    return new StatusView(
        facts.version(),
        ProcessHandle.current().pid(),
        facts.uptime().get().toSeconds(),
        facts.home().toString(),
        facts.config().map(Object::toString).orElse(null),
        logLevel,
        facts.endpoints(),
        facts.remarks(),
        states,
        devices.stream()
            .map(d -> DeviceView.of(d, facts, Optional.empty()))
            .filter(d -> d.reason() != null)
            .map(d -> new Parked(d.id(), d.state(), d.reason(), d.tries()))
            .toList(),
        doors.stream()
            .map(d ->
                new DoorView(
                    d.door().label(),
                    d.unavailableBecause().isEmpty(),
                    d.unavailableBecause().orElse(null)))
            .toList(),
        new CacheView(
            facts.cache().usedBytes(),
            facts.cache().capacityBytes(),
            cache.hits(),
            cache.misses(),
            cache.fetchedBytes(),
            cache.aheadBytes(),
            cache.aheadUsedBytes(),
            cache.evictedBytes(),
            cache.corruptUnits(),
            cache.diskErrors()),
        facts.requests().all().stream()
            .sorted(
                Comparator.comparing(RequestCounts.Count::host)
                    .thenComparing(RequestCounts.Count::result))
            .toList(),
        new TreeMap<>(facts.links().all())
            .entrySet().stream()
                .map(link -> {
                  var load = link.getValue().load();
                  return new LinkView(link.getKey(), load.demand(), load.other(), load.queued());
                })
                .toList());
  }
}
