package dev.obd.registry.http;

import dev.obd.registry.Digest;
import dev.obd.registry.RegistryException;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Optional;

/**
 * Where a repository's content is read from: its registry, or a mirror of it.
 *
 * @param root ends with the repository's name and a slash
 * @param blobs what stands between it and a blob's digest
 * @param health of a mirror; empty for the registry, which is asked in any case
 */
record Place(Session session, URI root, String blobs, Scope pull, Optional<Health> health) {
  /** What is asked of a place. */
  interface Question<T> {
    T ask(Place place, Limit limit) throws IOException;
  }

  boolean isMirror() {
    return health.isPresent();
  }

  URI uri(String rest) {
    return URI.create(root + rest); // resolving would take sha256: for a scheme
  }

  URI blob(Digest digest) {
    return uri(blobs + digest);
  }

  /**
   * The first answer of {@code places}, the last of which is the registry. A mirror gets a part of
   * the time only, and whatever is wrong with it is not the caller's business.
   */
  static <T> T first(List<Place> places, Limit limit, Question<T> question) throws IOException {
    for (Place place : places.subList(0, places.size() - 1)) {
      Health health = place.health.orElseThrow();
      if (!health.mayBeAsked()) {
        continue;
      }
      try {
        T answer = question.ask(place, limit.share());
        health.succeeded();
        return answer;
      } catch (RegistryException e) {
        health.failed(e);
        if (limit.isOver()) {
          throw e;
        }
      }
    }
    return question.ask(places.getLast(), limit);
  }
}
