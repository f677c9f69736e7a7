package dev.obd.registry.http;

import dev.obd.registry.Descriptor;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * GETs of one blob, from a mirror that has it or from the registry. A mirror that does not have it,
 * or had wrong bytes for it, is not asked for it again for a while. Thread-safe.
 */
final class BlobRequests {
  private static final long SKIP_NANOS = Duration.ofMinutes(5).toNanos();

  private final List<BlobPlace> places;
  private final Descriptor descriptor;
  private final RegistryOptions options;
  private final Map<BlobPlace, Long> skippedUntilNanos = new ConcurrentHashMap<>();

  /** {@code places} are tried in order; the last is the registry. */
  BlobRequests(List<Place> places, Descriptor descriptor) {
    this.places = places.stream().map(place -> new BlobPlace(place, descriptor)).toList();
    this.descriptor = descriptor;
    this.options = places.getLast().session().options();
    places.getLast().session().accelerator().opened();
  }

  Descriptor descriptor() {
    return descriptor;
  }

  RegistryOptions options() {
    return options;
  }

  /**
   * Asks for {@code [offset, offset + length)}.
   *
   * @return the answer, whose body begins at {@code offset}
   */
  Answer range(long offset, long length, Limit limit) throws IOException {
    return first(limit, true, (place, share) -> place.range(offset, length, share));
  }

  /** How many bytes the body of a {@link #range} answer has; at most what was asked for. */
  long bodyLength(Answer answer, long offset, long length) throws IOException {
    return places.getLast().bodyLength(answer, offset, length);
  }

  /**
   * Asks for everything from {@code offset} to the end. The body may begin at 0 instead. It may
   * take longer than {@code limit} allows for the answer to begin.
   */
  Answer from(long offset, Limit limit) throws IOException {
    return first(limit, false, (place, whole) -> place.from(offset, whole));
  }

  private interface Question {
    Answer ask(BlobPlace place, Limit limit) throws IOException;
  }

  private Answer first(Limit limit, boolean shared, Question question) throws IOException {
    for (BlobPlace place : places.subList(0, places.size() - 1)) {
      Health health = place.place().health().orElseThrow();
      if (isSkipped(place) || !health.mayBeAsked()) {
        continue;
      }
      try {
        Answer answer = question.ask(place, shared ? limit.share() : limit);
        health.succeeded();
        return answer;
      } catch (RegistryException e) {
        if (limit.isCancelled()) {
          throw e;
        }
        health.failed(e);
        if (e.kind() == Kind.NOT_FOUND || e.kind() == Kind.UNAUTHORIZED) {
          skip(place);
        }
        if (limit.isOver()) {
          throw e;
        }
      }
    }
    return question.ask(places.getLast(), limit);
  }

  private boolean isSkipped(BlobPlace place) {
    Long until = skippedUntilNanos.get(place);
    return until != null && options.clock().nanos() - until < 0;
  }

  private void skip(BlobPlace place) {
    skippedUntilNanos.put(place, options.clock().nanos() + SKIP_NANOS);
  }

  /** What came was wrong: only the registry itself is asked for a while. */
  void distrust() {
    places.subList(0, places.size() - 1).forEach(this::skip);
    places.getLast().distrustAccelerator();
  }
}
