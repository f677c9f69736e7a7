package dev.obd.registry.http;

import dev.obd.registry.JsonFields;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.Untrusted;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.core5.http.ConnectionRequestTimeoutException;
import org.apache.hc.core5.http.MessageConstraintException;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.apache.hc.core5.http.ProtocolException;
import org.jspecify.annotations.Nullable;

/** What went wrong, as a {@link RegistryException}. The one place that knows statuses. */
final class Failures {
  private static final int MAX_BODY = 8 << 10;
  private static final int MAX_TEXT = 200;

  private Failures() {}

  /** A refusal that says when to come back. */
  static final class Throttled extends RegistryException {
    private static final long serialVersionUID = 1;
    private final Duration retryAfter;

    Throttled(Kind kind, int status, String message, Duration retryAfter) {
      super(kind, status, message, null);
      this.retryAfter = retryAfter;
    }

    Duration retryAfter() {
      return retryAfter;
    }
  }

  /** The failure that this answer is. Reads the registry's explanation if there is one. */
  static RegistryException of(Answer answer, RegistryClock clock) {
    int status = answer.status();
    Kind kind =
        switch (status) {
          case 401, 403 -> Kind.UNAUTHORIZED;
          case 404 -> Kind.NOT_FOUND;
          case 429 -> Kind.TOO_MANY_REQUESTS;
          case 408, 425 -> Kind.UNAVAILABLE;
          case 416 -> Kind.BAD_ANSWER;
          default ->
              status >= 500 && status != 501
                  ? Kind.UNAVAILABLE
                  : status >= 400 ? Kind.REFUSED : Kind.BAD_ANSWER;
        };
    String message = answer.call() + ": status " + status + explanation(answer);
    Optional<Duration> after = answer.header("Retry-After").flatMap(v -> retryAfter(v, clock));
    return after.isPresent() && (kind == Kind.TOO_MANY_REQUESTS || kind == Kind.UNAVAILABLE)
        ? new Throttled(kind, status, message, after.get())
        : new RegistryException(kind, status, message, null);
  }

  /** The answer is not what the protocol says. */
  static RegistryException bad(Answer answer, String what, Object expected, Object actual) {
    return new RegistryException(
        Kind.BAD_ANSWER,
        answer.status(),
        "%s: %s: expected %s, got %s"
            .formatted(
                answer.call(), what, expected, Untrusted.printable(String.valueOf(actual), 100)),
        null);
  }

  /** The exchange broke: the network, or the time ran out. */
  static IOException network(Call call, IOException e, Limit limit) {
    if (e instanceof RegistryException known) {
      return known;
    }
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof Call.ContentException
          && cause.getCause() instanceof RegistryException r) {
        return new RegistryException(
            r.kind(), r.status(), call + ": not sent: " + cause.getMessage(), e);
      }
      if (cause instanceof Call.ContentException) {
        return new RegistryException(
            Kind.REFUSED, 0, call + ": not sent: " + cause.getMessage(), e);
      }
    }
    String why =
        e instanceof NoHttpResponseException
            ? "the connection was closed without an HTTP answer"
            : e.getClass().getSimpleName() + detail(e);
    if (limit.isOver()) {
      return new RegistryException(
          Kind.TIMED_OUT, 0, call + ": no answer within " + seconds(limit), e);
    }
    boolean timedOut =
        e instanceof SocketTimeoutException
            || e instanceof ConnectTimeoutException
            || e instanceof ConnectionRequestTimeoutException;
    if (timedOut) {
      return new RegistryException(Kind.TIMED_OUT, 0, call + ": " + why, e);
    }
    if (Thread.currentThread().isInterrupted()) {
      return interrupted(call.toString());
    }
    if (isAboutTrust(e)) {
      return new RegistryException(Kind.REFUSED, 0, call + ": TLS: " + why, e);
    }
    // Headers beyond all bounds, lines that are no HTTP: trying again elsewhere may help.
    Kind kind =
        e instanceof MessageConstraintException || e.getCause() instanceof ProtocolException
            ? Kind.BAD_ANSWER
            : Kind.UNAVAILABLE;
    return new RegistryException(kind, 0, call + ": " + why, e);
  }

  static IOException interrupted(String what) {
    return new InterruptedIOException(what + ": interrupted");
  }

  static String seconds(Limit limit) {
    return limit.patience().toMillis() / 1000.0 + " s";
  }

  /** A certificate that is not trusted today is not trusted in a second either. */
  private static boolean isAboutTrust(IOException e) {
    if (e instanceof SSLPeerUnverifiedException) {
      return true;
    }
    if (!(e instanceof SSLException)) {
      return false;
    }
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof java.security.GeneralSecurityException) {
        return true;
      }
    }
    return e instanceof SSLHandshakeException && detail(e).contains("alert");
  }

  private static String detail(Throwable e) {
    String text = e.getMessage();
    return text == null ? "" : ": " + Untrusted.printable(text, MAX_TEXT);
  }

  /** {@code " (MANIFEST_UNKNOWN: manifest unknown)"}, or nothing. */
  private static String explanation(Answer answer) {
    byte[] body;
    try {
      body = answer.briefly(MAX_BODY);
    } catch (IOException e) {
      return ""; // the status says enough
    }
    if (body.length == 0) {
      return "";
    }
    try {
      List<JsonFields> errors = JsonFields.parse("error", body).objects("errors");
      if (!errors.isEmpty()) {
        String code = errors.get(0).string("code").orElse("");
        String text = errors.get(0).string("message").orElse("");
        return " (" + Untrusted.printable(code + ": " + text, MAX_TEXT) + ")";
      }
    } catch (RegistryException e) {
      // Not the registry's own words: a proxy's page perhaps. Shown as it is.
    }
    String text = new String(body, StandardCharsets.UTF_8).strip();
    return " (" + Untrusted.printable(text, 80) + ")";
  }

  /** Seconds, or a date. */
  private static Optional<Duration> retryAfter(String value, RegistryClock clock) {
    String text = value.strip();
    if (text.matches("[0-9]{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
    }
    @Nullable Instant at;
    try {
      at = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
    Duration wait = Duration.between(clock.wallTime(), at);
    return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
  }
}
