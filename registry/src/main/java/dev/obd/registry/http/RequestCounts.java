package dev.obd.registry.http;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * How requests ended, by host. A registry may redirect to any number of hosts: beyond the first
 * few, they are counted together. Thread-safe.
 */
public final class RequestCounts {
  private static final int MAX_HOSTS = 64;
  private static final String OTHERS = "other";

  /**
   * Requests that ended alike.
   *
   * @param host with its port, or {@code other}
   * @param result {@code 2xx} to {@code 5xx}, or {@code failed} if there was no answer
   */
  public record Count(String host, String result, long requests) {}

  private final Map<String, Map<String, LongAdder>> hosts = new ConcurrentHashMap<>();

  RequestCounts() {}

  void answered(Origin origin, int status) {
    count(origin, status / 100 + "xx");
  }

  void failed(Origin origin) {
    count(origin, "failed");
  }

  private void count(Origin origin, String result) {
    String host = origin.host() + ":" + origin.port();
    if (!hosts.containsKey(host) && hosts.size() >= MAX_HOSTS) {
      host = OTHERS;
    }
    hosts
        .computeIfAbsent(host, _ -> new ConcurrentHashMap<>())
        .computeIfAbsent(result, _ -> new LongAdder())
        .increment();
  }

  /** The numbers now, in no order. */
  public List<Count> all() {
    return hosts.entrySet().stream()
        .flatMap(host ->
            host.getValue().entrySet().stream()
                .map(result -> new Count(host.getKey(), result.getKey(), result.getValue().sum())))
        .toList();
  }
}
