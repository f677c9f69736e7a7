package dev.obd.backstore.fleet;

import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.TraceChoice;

/**
 * What of an image's recordings is replayed.
 *
 * @param trace which
 * @param budget at most so much of it
 */
public record ReplayRequest(TraceChoice trace, PrefetchBudget budget) {
  /** All of it. */
  public static final ReplayRequest ALL =
      new ReplayRequest(new TraceChoice.All(), new PrefetchBudget.Unlimited());

  /** All of it, or nothing. */
  public static ReplayRequest of(boolean on) {
    return on ? ALL : new ReplayRequest(new TraceChoice.None(), new PrefetchBudget.Unlimited());
  }

  OpenOptions in(OpenOptions how) {
    return how.withTrace(trace).withBudget(budget);
  }
}
