package dev.obd.registry.http;

import dev.obd.registry.JsonFields;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A repository's tags, page by page. */
final class TagList {
  private static final int PAGE = 1000;
  private static final int MAX_PAGE_BYTES = 4 << 20;
  private static final int MAX_PAGES = 1000;
  private static final int MAX_TAGS = 200_000;
  private static final Pattern NEXT = Pattern.compile("<([^>]*)>\\s*;[^,]*rel=\"?next\"?");

  private final Session session;
  private final Scope scope;
  private final URI first;

  TagList(Session session, Scope scope, URI first) {
    this.session = session;
    this.scope = scope;
    this.first = first;
  }

  /** All of them, sorted; none if the repository does not exist. */
  List<String> all(Limit limit) throws IOException {
    var tags = new TreeSet<String>();
    Optional<URI> page = Optional.of(HttpRepository.withQuery(first, "n", "" + PAGE));
    for (int pages = 0; page.isPresent(); pages++) {
      if (pages == MAX_PAGES || tags.size() > MAX_TAGS) {
        throw new RegistryException(
            Kind.REFUSED, 0, first + ": more than " + tags.size() + " tags", null);
      }
      Call get = Call.get(page.get()).with("Accept", "application/json");
      try (Answer answer = session.follow(get, scope, limit)) {
        if (answer.status() == 404) {
          return List.of();
        }
        if (answer.status() != 200) {
          throw Failures.of(answer, session.options().clock());
        }
        int before = tags.size();
        tags.addAll(JsonFields.parse(first.toString(), answer.all(MAX_PAGE_BYTES)).strings("tags"));
        page = tags.size() == before ? Optional.empty() : next(answer); // no page twice, for ever
      }
    }
    return List.copyOf(tags);
  }

  private static Optional<URI> next(Answer answer) throws RegistryException {
    for (String link : answer.headers("Link")) {
      Matcher next = NEXT.matcher(link);
      if (next.find()) {
        try {
          return Optional.of(answer.uri().resolve(next.group(1)));
        } catch (IllegalArgumentException e) {
          throw Failures.bad(answer, "Link", "a URL", next.group(1));
        }
      }
    }
    return Optional.empty();
  }
}
