package dev.obd.registry.http;

import dev.obd.registry.JsonFields;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.Untrusted;
import dev.obd.registry.auth.Challenge;
import dev.obd.registry.auth.Credential;
import dev.obd.registry.auth.CredentialProvider;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Authorization headers for one repository of one registry. Tokens are kept per scope until they
 * are refused or expire, and are replaced by fresh ones a while before; whoever needs one while
 * there is none waits for the one fetch under way. Credentials are looked up anew for every token.
 * Where they cannot be found we are anonymous. Thread-safe.
 */
final class Authorizer {
  private static final int MAX_TOKEN_ANSWER = 256 << 10;
  private static final long DEFAULT_LIFE_SECONDS = 60; // as the token protocol says
  private static final long MAX_LIFE_SECONDS = 3600;
  private static final long REFRESH_EVERY_NANOS = 10_000_000_000L;
  private static final String CLIENT_ID = "obd";
  private static final Logger log = LogManager.getLogger(Authorizer.class);

  private final Transport transport;
  private final RegistryOptions options;
  private final CredentialProvider.Target target;
  private final Origin registry;
  private final Map<Scope, CompletableFuture<Grant>> grants = new ConcurrentHashMap<>();
  private final Map<Scope, Long> refreshes = new ConcurrentHashMap<>();
  private volatile @Nullable Challenge known;
  private volatile @Nullable String lookupFailure;

  /** A header's value, when to look for the next one, and when it stops being good. */
  private record Grant(String header, long refreshNanos, long untilNanos) {}

  /** What one fetch is about. */
  private record Wish(Scope scope, Challenge challenge, URI about) {}

  Authorizer(
      Transport transport,
      RegistryOptions options,
      CredentialProvider.Target target,
      Origin registry) {
    this.transport = transport;
    this.options = options;
    this.target = target;
    this.registry = registry;
  }

  /**
   * The header for {@code scope}; empty as long as the registry has not asked for one. Once it has,
   * tokens for further scopes are fetched without being refused first.
   */
  Optional<String> header(Scope scope, URI about, Limit limit) throws IOException {
    Challenge challenge = known;
    return challenge == null
        ? Optional.empty()
        : Optional.of(grant(new Wish(scope, challenge, about), Optional.empty(), limit));
  }

  /** Why the latest look for credentials failed; empty if it did not. */
  Optional<String> lookupFailure() {
    return Optional.ofNullable(lookupFailure);
  }

  /**
   * A header that answers {@code challenges}, not {@code refused} again.
   *
   * @throws RegistryException of kind UNAUTHORIZED if there are no credentials to answer with
   */
  String answer(
      Scope scope, URI about, List<Challenge> challenges, Optional<String> refused, Limit limit)
      throws IOException {
    Optional<Challenge> challenge = Challenge.preferred(challenges);
    if (challenge.isPresent()) {
      known = challenge.get();
    }
    Challenge current = known;
    if (current == null) {
      throw unauthorized("it does not say how to authenticate");
    }
    return grant(new Wish(scope, current, about), refused, limit);
  }

  @SuppressWarnings("ReferenceEquality") // is it this very future that won?
  private String grant(Wish wish, Optional<String> refused, Limit limit) throws IOException {
    var mine = new CompletableFuture<Grant>();
    CompletableFuture<Grant> current =
        grants.compute(
            wish.scope, (s, old) -> old != null && isGood(old, refused, limit) ? old : mine);
    if (current == mine) {
      fetchInto(mine, wish, limit);
    }
    try {
      Grant grant = current.get(limit.remainingNanos(), TimeUnit.NANOSECONDS);
      if (options.clock().nanos() - grant.refreshNanos >= 0) {
        refresh(wish, current);
      }
      return grant.header;
    } catch (TimeoutException e) {
      throw new RegistryException(Kind.TIMED_OUT, 0, "token for " + target + ": none in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Failures.interrupted("token for " + target);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RegistryException known) {
        throw known;
      }
      throw new RegistryException(
          Kind.UNAVAILABLE, 0, "token for " + target + ": " + e.getCause(), e);
    }
  }

  private static boolean isGood(
      CompletableFuture<Grant> old, Optional<String> refused, Limit limit) {
    if (!old.isDone()) {
      return true; // somebody is at it
    }
    if (old.isCompletedExceptionally()) {
      return false;
    }
    Grant grant = old.resultNow();
    return limit.clock().nanos() - grant.untilNanos < 0
        && refused.filter(grant.header::equals).isEmpty();
  }

  /** Replaces a grant that will end soon, beside the reads; one try now and then is enough. */
  private void refresh(Wish wish, CompletableFuture<Grant> old) {
    long now = options.clock().nanos();
    Long before = refreshes.get(wish.scope);
    boolean mine =
        before == null
            ? refreshes.putIfAbsent(wish.scope, now) == null
            : now - before >= REFRESH_EVERY_NANOS && refreshes.replace(wish.scope, before, now);
    if (!mine) {
      return;
    }
    Thread.startVirtualThread(() -> {
      try {
        Limit limit = Limit.after(options.clock(), options.patience());
        grants.replace(wish.scope, old, CompletableFuture.completedFuture(fetch(wish, limit)));
      } catch (IOException e) {
        log.debug("token.refresh.failed target={} reason={}", target, e.getMessage());
      }
    });
  }

  private void fetchInto(CompletableFuture<Grant> mine, Wish wish, Limit limit) {
    try {
      mine.complete(fetch(wish, limit));
    } catch (IOException | RuntimeException e) {
      mine.completeExceptionally(e);
    } finally {
      if (mine.completeExceptionally(new IllegalStateException("fetch ended without a result"))) {
        grants.remove(wish.scope, mine); // an Error passed through here: nobody may wait for ever
      }
    }
  }

  private Grant fetch(Wish wish, Limit limit) throws IOException {
    Credential credential = credential(wish.about, limit);
    long never = limit.clock().nanos() + Long.MAX_VALUE / 2;
    if (wish.challenge.scheme().equals("basic")) {
      if (credential instanceof Credential.UserPassword login) {
        return new Grant(login.basic(), never, never);
      }
      throw refused("it wants a user name and a password, and there are none for it", null);
    }
    if (credential instanceof Credential.BearerToken token) {
      return new Grant("Bearer " + checked(token.token()), never, never);
    }
    return token(wish, credential, limit);
  }

  /**
   * Looking up may run a program or ask a service: not longer than the caller waits, and on a
   * platform thread, because it may wait inside a native call.
   */
  private Credential credential(URI about, Limit limit) throws IOException {
    var found = new CompletableFuture<Credential>();
    Thread.ofPlatform()
        .daemon()
        .name("obd-credentials")
        .start(() -> {
          try {
            found.complete(options.credentials().find(target.at(about)));
          } catch (IOException | RuntimeException e) {
            found.completeExceptionally(e);
          } finally {
            found.completeExceptionally(new IOException("the look-up broke")); // unless it is done
          }
        });
    try {
      Credential credential = found.get(limit.remainingNanos(), TimeUnit.NANOSECONDS);
      lookupFailure = null;
      return credential;
    } catch (TimeoutException e) {
      throw new RegistryException(
          Kind.TIMED_OUT, 0, "credentials for " + target + ": not found in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Failures.interrupted("credentials for " + target);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      String why = Untrusted.printable(String.valueOf(cause.getMessage()), 300);
      if (why.equals(lookupFailure)) {
        log.debug("credentials.failed target={} reason={}", target, why);
      } else {
        log.warn("credentials.failed target={} reason={} anonymous=true", target, why);
      }
      lookupFailure = why;
      return Credential.ANONYMOUS;
    }
  }

  private Grant token(Wish wish, Credential credential, Limit limit) throws IOException {
    Scope scope = wish.scope;
    Challenge challenge = wish.challenge;
    URI realm = realm(challenge);
    if (Origin.of(realm).isPlain()
        && !registry.isPlain()
        && !(credential instanceof Credential.Anonymous)) {
      throw unauthorized("its token service " + Call.place(realm) + " is not https");
    }
    var fields = new ArrayList<String>();
    challenge.parameter("service").ifPresent(s -> fields.add("service=" + encoded(s)));
    var scopes = new LinkedHashSet<>(scope.parts());
    challenge.parameter("scope").ifPresent(s -> scopes.addAll(List.of(s.strip().split(" +"))));
    scopes.remove("");
    Call call;
    if (credential instanceof Credential.IdentityToken identity) {
      fields.add("grant_type=refresh_token");
      fields.add("client_id=" + CLIENT_ID);
      fields.add("scope=" + encoded(String.join(" ", scopes)));
      fields.add("refresh_token=" + encoded(identity.token()));
      call = Call.of("POST", realm).with(new Form(String.join("&", fields)));
    } else {
      scopes.forEach(s -> fields.add("scope=" + encoded(s)));
      call = Call.get(withQuery(realm, fields));
      if (credential instanceof Credential.UserPassword login) {
        call = call.with("Authorization", login.basic());
      }
    }
    try (Answer answer = transport.send(call.with("Accept", "application/json"), limit)) {
      if (answer.status() == 401 || answer.status() == 403) {
        RegistryException failure = Failures.of(answer, options.clock());
        throw refused(String.valueOf(failure.getMessage()), failure);
      }
      if (answer.status() != 200) {
        throw Failures.of(answer, options.clock());
      }
      return grant(answer, limit);
    }
  }

  private static Grant grant(Answer answer, Limit limit) throws IOException {
    JsonFields json = JsonFields.parse(answer.call().toString(), answer.all(MAX_TOKEN_ANSWER));
    String token = json.string("token").orElse("");
    if (token.isEmpty()) {
      token = json.string("access_token").orElse("");
    }
    if (token.isEmpty()) {
      throw json.bad("expected a token or access_token, got neither");
    }
    long seconds = json.whole("expires_in").filter(s -> s > 0).orElse(DEFAULT_LIFE_SECONDS);
    // Given up a little early, so that a request does not arrive after its token died.
    long life = Math.min(seconds, MAX_LIFE_SECONDS) * 1_000_000_000L / 10 * 9;
    long now = limit.clock().nanos();
    return new Grant("Bearer " + checked(token), now + life / 4 * 3, now + life);
  }

  private static String checked(String token) throws RegistryException {
    for (int i = 0; i < token.length(); i++) {
      if (token.charAt(i) <= ' ' || token.charAt(i) > '~') {
        throw new RegistryException(
            Kind.BAD_ANSWER, 0, "token: expected printable characters only", null);
      }
    }
    return token;
  }

  private URI realm(Challenge challenge) throws RegistryException {
    String text = challenge.parameter("realm").orElse("");
    try {
      URI realm = new URI(text);
      boolean http = realm.getScheme() != null && realm.getScheme().matches("(?i)https?");
      if (http && realm.getHost() != null && realm.getUserInfo() == null) {
        return realm;
      }
    } catch (URISyntaxException e) {
      // Reported below, like everything else that is no address.
    }
    throw new RegistryException(
        Kind.BAD_ANSWER,
        401,
        registry + ": token service: expected a URL, got '" + Untrusted.printable(text, 100) + "'",
        null);
  }

  private static URI withQuery(URI realm, List<String> fields) {
    if (fields.isEmpty()) {
      return realm;
    }
    String text = realm.toString();
    int fragment = text.indexOf('#');
    String base = fragment < 0 ? text : text.substring(0, fragment);
    return URI.create(base + (base.indexOf('?') < 0 ? "?" : "&") + String.join("&", fields));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private RegistryException unauthorized(String why) {
    return refused(why, null);
  }

  /**
   * The failure that a 401 is: for good if we came with what we have, and perhaps not if what we
   * have could not be found.
   */
  RegistryException refused(String why, @Nullable RegistryException cause) {
    String lookup = lookupFailure;
    String message = target + " at " + registry + ": " + why;
    return lookup == null
        ? new RegistryException(Kind.UNAUTHORIZED, 401, message, cause)
        : new RegistryException(
            Kind.UNAVAILABLE, 401, message + "; credentials not found: " + lookup, cause);
  }

  /** A form as a request's body. */
  private record Form(String text) implements Call.Body {
    @Override
    public String contentType() {
      return "application/x-www-form-urlencoded";
    }

    @Override
    public long length() {
      return text.length();
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      out.write(text.getBytes(StandardCharsets.US_ASCII));
    }
  }
}
