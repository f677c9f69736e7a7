package dev.obd.backstore.prefetch;

import dev.obd.trace.runs.Ranking;
import java.time.DateTimeException;
import java.time.Duration;

/** How much a replay may fetch. */
public sealed interface PrefetchBudget {
  /** Everything that is recorded. */
  record Unlimited() implements PrefetchBudget {}

  /** So many bytes of the layers' content, at least 0. */
  record Bytes(long most) implements PrefetchBudget {
    public Bytes {
      if (most < 0) {
        throw new IllegalArgumentException("prefetch budget: " + most + " bytes");
      }
    }
  }

  /** As much as comes over the network in that time. */
  record Time(Duration most) implements PrefetchBudget {
    public Time {
      if (most.isNegative() || most.compareTo(Duration.ofDays(1)) > 0) {
        throw new IllegalArgumentException("prefetch budget: expected 0 to 1 day, got " + most);
      }
    }
  }

  /** The most to fetch; {@link Long#MAX_VALUE}: no limit. */
  default long bytes(Ranking.Way way) {
    return switch (this) {
      case Unlimited _ -> Long.MAX_VALUE;
      case Bytes(long most) -> most;
      case Time(Duration most) -> (long) (most.toNanos() / 1e9 * way.bytesPerSecond());
    };
  }

  /**
   * As text, that {@link #parse} reads: nothing, a number of bytes, or a time as ISO 8601 has it.
   */
  default String text() {
    return switch (this) {
      case Unlimited _ -> "";
      case Bytes(long most) -> Long.toString(most);
      case Time(Duration most) -> most.toString();
    };
  }

  /**
   * Reads what {@link #text} wrote.
   *
   * @throws IllegalArgumentException if it is something else
   */
  static PrefetchBudget parse(String text) {
    try {
      if (text.isEmpty()) {
        return new Unlimited();
      }
      return text.startsWith("P")
          ? new Time(Duration.parse(text))
          : new Bytes(Long.parseLong(text));
    } catch (NumberFormatException | DateTimeException e) {
      throw new IllegalArgumentException(
          "prefetch budget: expected bytes or a time such as PT10S, got '" + text + "'", e);
    }
  }
}
