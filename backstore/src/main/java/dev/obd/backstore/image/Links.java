package dev.obd.backstore.image;

import dev.obd.backstore.source.FetchScheduler;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** One scheduler per network link, shared by every image of the process. */
public final class Links {
  private final ConcurrentHashMap<String, FetchScheduler> schedulers = new ConcurrentHashMap<>();
  private final Function<String, FetchScheduler> factory;

  public Links(Function<String, FetchScheduler> factory) {
    this.factory = factory;
  }

  /** Every link that was asked for so far, and its scheduler. */
  public Map<String, FetchScheduler> all() {
    return Map.copyOf(schedulers);
  }

  /** The scheduler of {@code link}. */
  public FetchScheduler of(String link) {
    return schedulers.computeIfAbsent(link, factory);
  }
}
