package dev.obd.registry.http;

import dev.obd.registry.Descriptor;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * GETs of one blob at one place. Registries send readers on to a store, with an address that is
 * good for a while: it is remembered until it fails or is old, so that a read costs one request.
 * Thread-safe.
 */
final class BlobPlace {
  private static final Duration REMEMBER = Duration.ofMinutes(5);
  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\\*)");

  private final Place place;
  private final Session session;
  private final Scope scope;
  private final URI uri;
  private final Descriptor descriptor;
  private volatile @Nullable Redirect redirect;
  private volatile @Nullable Long acceleratedFromNanos;

  private record Redirect(URI uri, long untilNanos) {}

  BlobPlace(Place place, Descriptor descriptor) {
    this.place = place;
    this.session = place.session();
    this.scope = place.pull();
    this.uri = place.blob(descriptor.digest());
    this.descriptor = descriptor;
  }

  Place place() {
    return place;
  }

  /** Bytes that came by way of the accelerator were wrong: for a while they come straight. */
  void distrustAccelerator() {
    acceleratedFromNanos = session.options().clock().nanos() + REMEMBER.toNanos();
  }

  /**
   * Asks for {@code [offset, offset + length)}.
   *
   * @return the answer, whose body begins at {@code offset}
   */
  Answer range(long offset, long length, Limit limit) throws IOException {
    long last = offset + length - 1;
    return checked(
        open(Call.get(uri).with("Range", "bytes=" + offset + "-" + last), limit),
        answer -> bodyOfRange(answer, offset, last));
  }

  /** How many bytes the body of a {@link #range} answer has; at most what was asked for. */
  long bodyLength(Answer answer, long offset, long length) throws IOException {
    return bodyOfRange(answer, offset, offset + length - 1);
  }

  /** Asks for everything from {@code offset} to the end. The body may begin at 0 instead. */
  Answer from(long offset, Limit limit) throws IOException {
    Call get = Call.get(uri);
    return checked(
        open(offset == 0 ? get : get.with("Range", "bytes=" + offset + "-"), limit),
        answer -> bodyOfRest(answer, offset));
  }

  /** Where the body of a {@link #from} answer begins: at what was asked for, or at 0. */
  static long bodyStart(Answer answer, long offset) {
    return answer.status() == 206 ? offset : 0;
  }

  private interface Check {
    long length(Answer answer) throws IOException;
  }

  private Answer checked(Answer answer, Check check) throws IOException {
    try {
      check.length(answer);
      return answer;
    } catch (IOException | RuntimeException e) {
      redirect = null; // whoever answers like this is not asked again
      if (e instanceof RegistryException bad) {
        answer.bad(bad);
      }
      answer.close();
      throw e;
    }
  }

  private Answer open(Call get, Limit limit) throws IOException {
    Optional<URI> accelerator = place.isMirror() ? Optional.empty() : accelerator();
    if (accelerator.isPresent()) {
      Optional<Answer> answer = accelerated(get, accelerator.get(), limit);
      if (answer.isPresent()) {
        return answer.get();
      }
    }
    Answer answer = straight(get, limit);
    return place.isMirror()
        ? answer.whenBad(e -> place.health().ifPresent(h -> h.failed(e)))
        : answer;
  }

  private Optional<URI> accelerator() {
    Long from = acceleratedFromNanos;
    return from != null && session.options().clock().nanos() - from < 0
        ? Optional.empty()
        : session.accelerator().address();
  }

  /** The answer by way of the accelerator; empty if that is no way. */
  private Optional<Answer> accelerated(Call get, URI accelerator, Limit limit) throws IOException {
    Redirect known = redirect;
    if (known == null || session.options().clock().nanos() - known.untilNanos >= 0) {
      known = look(limit);
    }
    try {
      Answer answer = session.follow(get.at(known.uri).through(accelerator), scope, limit.share());
      if (isBody(answer)) {
        return Optional.of(
            answer.whenBad(e -> session.accelerator().failed(String.valueOf(e.getMessage()))));
      }
      try (answer) { // what it was to fetch is gone, most likely: the registry decides
        if (answer.status() >= 500) {
          session.accelerator().failed(answer.call() + ": status " + answer.status());
        }
      }
    } catch (RegistryException e) {
      if (limit.isOver() || limit.isCancelled()) {
        throw e;
      }
      session.accelerator().failed(String.valueOf(e.getMessage()));
    }
    redirect = null;
    return Optional.empty();
  }

  /** Asks the registry where the blob's bytes are, for somebody else to fetch them. */
  private Redirect look(Limit limit) throws IOException {
    long until = session.options().clock().nanos() + REMEMBER.toNanos();
    Call call = Call.get(uri);
    Call first = descriptor.size() == 0 ? call : call.with("Range", "bytes=0-0");
    try (Answer answer = session.send(first, scope, limit)) {
      if (!isBody(answer) && !Session.isRedirect(answer, call)) {
        throw Failures.of(answer, session.options().clock());
      }
      URI target = isBody(answer) ? uri : session.location(answer);
      Redirect found = new Redirect(target, until);
      redirect = found;
      return found;
    }
  }

  private Answer straight(Call get, Limit limit) throws IOException {
    Redirect remembered = redirect;
    if (remembered != null && session.options().clock().nanos() - remembered.untilNanos < 0) {
      Answer answer = tryRemembered(get.at(remembered.uri), limit);
      if (isBody(answer)) {
        return answer;
      }
      answer.close(); // expired, most likely: the registry knows a fresh address
    }
    redirect = null;
    Answer answer = ask(get, limit);
    boolean foreign = !session.isOurs(answer.uri());
    if (foreign && (answer.status() == 401 || answer.status() == 403)) {
      answer.close(); // it died between two requests; once more, and then it is the answer
      answer = ask(get, limit);
    }
    return answer;
  }

  private Answer tryRemembered(Call get, Limit limit) throws IOException {
    try {
      return session.send(get, scope, limit);
    } catch (IOException e) {
      redirect = null;
      throw e;
    }
  }

  private Answer ask(Call get, Limit limit) throws IOException {
    Answer answer = session.follow(get, scope, limit);
    if (isBody(answer) && !answer.uri().equals(uri)) {
      redirect = new Redirect(answer.uri(), session.options().clock().nanos() + REMEMBER.toNanos());
    }
    return answer;
  }

  private static boolean isBody(Answer answer) {
    return answer.status() == 200 || answer.status() == 206;
  }

  private long bodyOfRange(Answer answer, long offset, long last) throws IOException {
    refuseOthers(answer);
    if (answer.status() == 200) {
      if (offset != 0) {
        throw Failures.bad(answer, "status", "206", "200: the range was ignored");
      }
      checkWhole(answer);
      return last + 1;
    }
    Matcher range = contentRange(answer, offset);
    long end = Long.parseLong(range.group(2));
    if (end < offset || end > last) {
      throw Failures.bad(answer, "Content-Range", "bytes " + offset + "-" + last, range.group());
    }
    return announced(answer, end - offset + 1);
  }

  private long bodyOfRest(Answer answer, long offset) throws IOException {
    refuseOthers(answer);
    if (answer.status() == 200) {
      checkWhole(answer);
      return descriptor.size();
    }
    Matcher range = contentRange(answer, offset);
    long end = Long.parseLong(range.group(2));
    if (end < offset || end >= descriptor.size()) {
      throw Failures.bad(
          answer,
          "Content-Range",
          "bytes " + offset + "-" + (descriptor.size() - 1),
          range.group());
    }
    return announced(answer, end - offset + 1);
  }

  private void refuseOthers(Answer answer) throws IOException {
    if (!isBody(answer)) {
      if (answer.status() >= 200 && answer.status() < 300) {
        throw Failures.bad(answer, "status", "206", answer.status());
      }
      throw Failures.of(answer, session.options().clock());
    }
    String encoding = answer.header("Content-Encoding").orElse("identity");
    if (!encoding.equalsIgnoreCase("identity")) {
      throw Failures.bad(answer, "Content-Encoding", "none", encoding);
    }
  }

  private void checkWhole(Answer answer) throws RegistryException {
    if (answer.contentLength() >= 0 && answer.contentLength() != descriptor.size()) {
      throw Failures.bad(answer, "Content-Length", descriptor.size(), answer.contentLength());
    }
  }

  /** A Content-Range that begins at {@code offset} of a blob of our size. */
  private Matcher contentRange(Answer answer, long offset) throws RegistryException {
    String text = answer.header("Content-Range").orElse("none");
    Matcher range = CONTENT_RANGE.matcher(text);
    boolean fits = range.matches() && Long.parseLong(range.group(1)) == offset;
    if (!fits) {
      throw Failures.bad(answer, "Content-Range", "bytes " + offset + "-…", text);
    }
    String total = range.group(3);
    if (!total.equals("*") && Long.parseLong(total) != descriptor.size()) {
      throw Failures.bad(answer, "Content-Range total", descriptor.size(), total);
    }
    return range;
  }

  private static long announced(Answer answer, long length) throws RegistryException {
    if (answer.contentLength() >= 0 && answer.contentLength() != length) {
      throw Failures.bad(answer, "Content-Length", length, answer.contentLength());
    }
    return length;
  }

  /** The body ended before {@code expected} bytes. */
  static RegistryException cutShort(Answer answer, long expected, long actual) {
    return new RegistryException(
        Kind.UNAVAILABLE,
        answer.status(),
        answer.call() + ": body: expected " + expected + " bytes, got " + actual,
        null);
  }
}
