package dev.obd.backstore.preflight;

import dev.obd.registry.RequestListener;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What was heard of the requests of some checks. Thread-safe. */
final class Exchanges implements RequestListener {
  private static final int MOST = 1000;

  private final List<Exchange> heard = new ArrayList<>(); // guarded by this

  @Override
  public synchronized void exchanged(Exchange exchange) {
    if (heard.size() < MOST) {
      heard.add(exchange);
    }
  }

  synchronized int size() {
    return heard.size();
  }

  /** Those after the first {@code count}. */
  synchronized List<Exchange> since(int count) {
    return List.copyOf(heard.subList(count, heard.size()));
  }

  /** What clock the one who answered first has, as far behind {@code now} as it was. */
  synchronized Optional<Duration> behind(Instant now) {
    for (Exchange exchange : heard) {
      try {
        Instant theirs =
            ZonedDateTime.parse(exchange.date(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        return Optional.of(Duration.between(theirs, now));
      } catch (DateTimeParseException e) {
        // None, or none that can be read: the next answer may have one.
      }
    }
    return Optional.empty();
  }
}
