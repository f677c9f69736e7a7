package dev.obd.backstore.image;

import dev.obd.backstore.device.StallReport;
import dev.obd.backstore.source.FetchScheduler;
import dev.obd.backstore.source.OriginHealth;
import dev.obd.io.Ticker;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Function;

/** One scheduler and one health per network link, shared by every image of the process. */
public final class Links {
  private final ConcurrentHashMap<String, FetchScheduler> schedulers = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, OriginHealth> healths = new ConcurrentHashMap<>();
  private final Function<String, FetchScheduler> factory;
  private final Ticker ticker;
  private final Executor executor;

  /** On the machine's clock; links that are down are looked at by virtual threads. */
  public Links(Function<String, FetchScheduler> factory) {
    this(factory, Ticker.SYSTEM, task -> Thread.ofVirtual().name("obd-look").start(task));
  }

  /**
   * @param executor looks at links that are down, on a thread each
   */
  public Links(Function<String, FetchScheduler> factory, Ticker ticker, Executor executor) {
    this.factory = factory;
    this.ticker = ticker;
    this.executor = executor;
  }

  /** Every link that was asked for so far, and its scheduler. */
  public Map<String, FetchScheduler> all() {
    return Map.copyOf(schedulers);
  }

  /** The scheduler of {@code link}. */
  public FetchScheduler of(String link) {
    return schedulers.computeIfAbsent(link, factory);
  }

  /** Whether {@code link} gets reads on. */
  public OriginHealth healthOf(String link) {
    return healths.computeIfAbsent(link, name -> new OriginHealth(name, ticker, executor));
  }

  /** Every link that does not, and why. */
  public List<StallReport> stalls() {
    return healths.values().stream().flatMap(health -> health.stall().stream()).toList();
  }
}
