package dev.obd.registry.http;

import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RequestListener;
import dev.obd.registry.Untrusted;
import dev.obd.registry.auth.Challenge;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Requests to one repository: with authorization to its registry, without to anybody else; follows
 * redirects. Thread-safe.
 */
final class Session {
  private static final int MAX_REDIRECTS = 6;

  private final Transport transport;
  private final Authorizer authorizer;
  private final Pauses pauses;
  private final RegistryOptions options;
  private final Origin registry;
  private final Accelerator accelerator;
  private final UnaryOperator<Call> signer;

  Session(
      Transport transport,
      Authorizer authorizer,
      Pauses pauses,
      Accelerator accelerator,
      RegistryOptions options,
      Origin registry,
      UnaryOperator<Call> signer) {
    this.signer = signer;
    this.accelerator = accelerator;
    this.transport = transport;
    this.authorizer = authorizer;
    this.pauses = pauses;
    this.options = options;
    this.registry = registry;
  }

  Accelerator accelerator() {
    return accelerator;
  }

  RegistryOptions options() {
    return options;
  }

  /** True if {@code uri} belongs to the registry: the only place our credentials go. */
  boolean isOurs(URI uri) {
    return Origin.of(uri).equals(registry);
  }

  /** Sends {@code call}; a challenge is answered once. Redirects are answers like others. */
  Answer send(Call call, Scope scope, Limit limit) throws IOException {
    if (!isOurs(call.uri())) {
      return exchange(call, limit);
    }
    URI about = withoutQuery(call.uri());
    Optional<String> header = authorizer.header(scope, about, limit);
    Answer answer = exchange(authorized(call, header), limit);
    if (answer.status() == 400 && header.isPresent() && isSigned(call)) {
      answer.close(); // stores refuse two proofs of who asks, also those at the registry's address
      return exchange(call, limit);
    }
    boolean refused = answer.status() == 401 || (answer.status() == 403 && header.isPresent());
    if (!refused) {
      return answer;
    }
    RegistryException failure;
    String next;
    try (answer) {
      failure = Failures.of(answer, options.clock());
      var challenges = Challenge.parse(answer.headers("WWW-Authenticate"));
      next = authorizer.answer(scope, about, challenges, header, limit);
    }
    if (header.filter(next::equals).isPresent()) {
      throw refused(failure); // the credentials are what they were
    }
    Answer second = exchange(call.with("Authorization", next), limit);
    if (second.status() == 401 && authorizer.lookupFailure().isPresent()) {
      try (second) {
        throw refused(Failures.of(second, options.clock()));
      }
    }
    return second;
  }

  private static boolean isSigned(Call call) {
    return call.isSafe() && call.uri().getRawQuery() != null;
  }

  private RegistryException refused(RegistryException failure) {
    return authorizer.lookupFailure().isEmpty()
        ? failure
        : authorizer.refused(String.valueOf(failure.getMessage()), failure);
  }

  private static URI withoutQuery(URI uri) {
    String text = uri.toString();
    int query = text.indexOf('?');
    return query < 0 ? uri : URI.create(text.substring(0, query));
  }

  /** As {@link #send}, and follows redirects. {@link Answer#uri} is where it ended. */
  Answer follow(Call call, Scope scope, Limit limit) throws IOException {
    Call current = call;
    for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      Answer answer = send(current, scope, limit);
      if (!isRedirect(answer, call)) {
        return answer;
      }
      try (answer) {
        current = current.at(location(answer));
      }
    }
    throw new RegistryException(
        Kind.BAD_ANSWER, 0, call + ": more than " + MAX_REDIRECTS + " redirects", null);
  }

  /**
   * Where an answer points.
   *
   * @throws RegistryException if it does not say, or points from TLS to plain http
   */
  URI location(Answer answer) throws RegistryException {
    String text = answer.header("Location").orElse("");
    URI target;
    try {
      target = answer.call().wire().resolve(new URI(text));
    } catch (URISyntaxException | IllegalArgumentException e) {
      throw noLocation(answer, text);
    }
    String scheme = String.valueOf(target.getScheme());
    if (text.isEmpty() || target.getHost() == null || !scheme.matches("(?i)https?")) {
      throw noLocation(answer, text);
    }
    boolean downgrade = Origin.of(target).isPlain() && !Origin.of(answer.uri()).isPlain();
    if (downgrade && options.plainHttp() != PlainHttp.ALWAYS) {
      throw new RegistryException(
          Kind.REFUSED,
          answer.status(),
          answer.call() + ": points from https to " + Call.place(target),
          null);
    }
    return target;
  }

  private Answer exchange(Call call, Limit limit) throws IOException {
    Origin origin = Origin.of(call.wire());
    pauses.await(origin, limit);
    long began = options.clock().nanos();
    Call sent = isOurs(call.uri()) ? signer.apply(call) : call;
    Answer answer = transport.send(sent, limit);
    RequestListener.current().answered(origin.toString(), options.clock().nanos() - began);
    if (answer.status() != 429 && answer.status() != 503) {
      return answer;
    }
    RegistryException failure;
    try (answer) {
      failure = Failures.of(answer, options.clock());
    }
    if (failure instanceof Failures.Throttled throttled) {
      pauses.ask(origin, answer.status(), throttled.retryAfter());
    }
    throw failure;
  }

  static boolean isRedirect(Answer answer, Call call) {
    return switch (answer.status()) {
      case 301, 302, 303 -> call.isSafe();
      case 307, 308 -> true;
      default -> false;
    };
  }

  private static Call authorized(Call call, Optional<String> header) {
    return header.isPresent() ? call.with("Authorization", header.get()) : call;
  }

  private static RegistryException noLocation(Answer answer, String text) {
    return new RegistryException(
        Kind.BAD_ANSWER,
        answer.status(),
        answer.call()
            + ": Location: expected a URL, got '"
            + Untrusted.printable(text.replaceFirst("\\?.*", "?…"), 100)
            + "'",
        null);
  }
}
