package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.Progress;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.auth.Credential;
import dev.obd.registry.auth.CredentialProvider;
import dev.obd.testdata.Auth;
import dev.obd.testdata.Auth.Dialect;
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.LoggedRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AuthorizationTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Credential RIGHT = new Credential.UserPassword("u", "p:q");
  private static final CredentialProvider LOGIN = target -> RIGHT;
  private static final byte[] BLOB = random();
  private static final Descriptor DESCRIPTOR =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);

  private static byte[] random() {
    byte[] bytes = new byte[50_000];
    new SplittableRandom(1).nextBytes(bytes);
    return bytes;
  }

  private static Auth bearer(Duration life, boolean anonymousPull, Dialect dialect) {
    return new Auth.Bearer("u", "p:q", life, anonymousPull, dialect);
  }

  private static FaultyRegistry serve(Auth auth) throws IOException {
    FaultyRegistry server = FaultyRegistry.with().auth(auth).start();
    server.putBlob("team/app", BLOB);
    return server;
  }

  private static RegistryClient client(CredentialProvider credentials) throws IOException {
    return new RegistryClient(RegistryOptions.defaults().withCredentials(credentials));
  }

  private static HttpRepository app(RegistryClient client, FaultyRegistry server) {
    return client.repository(ImageReference.parse(server.host() + "/team/app"));
  }

  private static void read(HttpRepository from, int offset) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(100);
    from.open(DESCRIPTOR).read(offset, into, PATIENCE);
    assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(BLOB, offset, 100));
  }

  private static long tokens(FaultyRegistry server) {
    return server.log().stream().filter(r -> r.origin().equals("token")).count();
  }

  @ParameterizedTest
  @EnumSource
  void everyDialectOfTokenServicesIsUnderstood(Dialect dialect) throws IOException {
    try (FaultyRegistry server = serve(bearer(HOUR, false, dialect));
        RegistryClient client = client(LOGIN)) {
      HttpRepository app = app(client, server);
      read(app, 0);
      read(app, 1000);
      byte[] more = {1, 2, 3};
      app.push(
          new Descriptor(MediaTypes.OCI_LAYER, Digest.of(more), 3),
          () -> new ByteArrayInputStream(more),
          Progress.NONE);
      assertThat(server.hasBlob("team/app", Digest.of(more).value())).isTrue();
    }
  }

  @Test
  void withoutCredentialsPublicImagesAreRead() throws IOException {
    try (FaultyRegistry server = serve(bearer(HOUR, true, Dialect.DOCKER));
        RegistryClient client = client(CredentialProvider.NONE)) {
      read(app(client, server), 0);
    }
  }

  @Test
  void wrongOrMissingCredentialsAreUnauthorizedAtOnce() throws IOException {
    CredentialProvider wrong = target -> new Credential.UserPassword("u", "x");
    for (Auth auth : List.of(bearer(HOUR, false, Dialect.DOCKER), new Auth.Basic("u", "p:q"))) {
      for (CredentialProvider provider : List.of(wrong, CredentialProvider.NONE)) {
        try (FaultyRegistry server = serve(auth);
            RegistryClient client = client(provider)) {
          assertThatThrownBy(() -> read(app(client, server), 0))
              .isInstanceOfSatisfying(
                  RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAUTHORIZED))
              .hasMessageNotContaining("p:q");
          assertThat(server.counters().requests()).isLessThanOrEqualTo(3);
        }
      }
    }
  }

  @Test
  void whoCannotFindItsCredentialsIsAnonymousAndSaysWhyWhenThatIsNotEnough() throws IOException {
    CredentialProvider broken =
        target -> {
          throw new IOException("/run/cred.sock: there is no such socket");
        };
    try (FaultyRegistry server = serve(bearer(HOUR, true, Dialect.DOCKER));
        RegistryClient client = client(broken)) {
      read(app(client, server), 0);
    }
    for (Auth auth : List.of(bearer(HOUR, false, Dialect.DOCKER), new Auth.Basic("u", "p:q"))) {
      try (FaultyRegistry server = serve(auth);
          RegistryClient client = client(broken)) {
        assertThatThrownBy(() ->
                app(client, server)
                    .open(DESCRIPTOR)
                    .read(0, ByteBuffer.allocate(9), Duration.ofSeconds(1)))
            .isInstanceOfSatisfying(
                RegistryException.class, e -> assertThat(e.isRetryable()).isTrue())
            .hasMessageContaining("/run/cred.sock: there is no such socket");
      }
    }
  }

  @Test
  void credentialsThatComeBackInTimeAreUsed() throws IOException {
    var asked = new AtomicInteger();
    CredentialProvider late =
        target -> {
          if (asked.incrementAndGet() < 3) {
            throw new IOException("not yet");
          }
          return RIGHT;
        };
    try (FaultyRegistry server = serve(bearer(HOUR, false, Dialect.DOCKER));
        RegistryClient client = client(late)) {
      read(app(client, server), 0);
      assertThat(asked).hasValue(3);
    }
  }

  @Test
  void theUrlOfTheBlobIsWhatCredentialsAreAskedFor() throws IOException {
    var urls = new ArrayList<String>();
    CredentialProvider noting =
        target -> {
          urls.add(target.url().toString());
          return RIGHT;
        };
    try (FaultyRegistry server = serve(bearer(HOUR, false, Dialect.DOCKER));
        RegistryClient client = client(noting)) {
      read(app(client, server), 0);
      assertThat(urls).containsExactly(server.uri() + "v2/team/app/blobs/" + DESCRIPTOR.digest());
    }
  }

  private static String lastAuthorization(FaultyRegistry server) {
    return server.log().stream()
        .filter(r -> r.origin().equals("registry"))
        .toList()
        .getLast()
        .headers()
        .getOrDefault("authorization", "");
  }

  @Test
  void aTokenIsReplacedBeforeItEndsWithoutAnybodyWaiting() throws Exception {
    var clock = new SkippingClock();
    try (FaultyRegistry server = serve(bearer(HOUR, false, Dialect.DOCKER));
        RegistryClient client =
            new RegistryClient(
                RegistryOptions.defaults().withCredentials(LOGIN).withClock(clock, () -> 0.5))) {
      HttpRepository app = app(client, server);
      read(app, 0);
      clock.skip(Duration.ofMinutes(20));
      read(app, 100);
      assertThat(tokens(server)).isEqualTo(1);
      clock.skip(Duration.ofMinutes(21)); // of 54 that it is taken for good
      server.fault(Call::isToken, new Fault.Delay(Duration.ofMillis(300)));
      read(app, 200);
      read(app, 300);
      String first = lastAuthorization(server);
      for (int i = 0; i < 2000 && lastAuthorization(server).equals(first); i++) {
        Thread.sleep(10);
        read(app, 300);
      }
      assertThat(tokens(server)).isEqualTo(2);
      server.clearFaults();
      clock.skip(Duration.ofMinutes(15)); // the first one's end is over
      read(app, 400);
      assertThat(tokens(server)).isEqualTo(2);
    }
  }

  @Test
  void basicIsSentToTheRegistryOnly() throws IOException {
    try (FaultyRegistry server =
            FaultyRegistry.with()
                .auth(new Auth.Basic("u", "p:q"))
                .redirectBlobs(Duration.ofMinutes(1))
                .start();
        RegistryClient client = client(LOGIN)) {
      server.putBlob("team/app", BLOB);
      read(app(client, server), 7);
      assertThat(server.log())
          .filteredOn(r -> r.origin().equals("cdn"))
          .isNotEmpty()
          .noneMatch(r -> r.headers().containsKey("authorization"));
    }
  }

  @Test
  void oneTokenServesManyReadersAndManyReads() throws Exception {
    try (FaultyRegistry server = serve(bearer(HOUR, true, Dialect.DOCKER));
        RegistryClient client = client(LOGIN);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      server.fault(Call::isToken, new Fault.Delay(Duration.ofMillis(200)));
      HttpRepository app = app(client, server);
      var reads = new ArrayList<Future<?>>();
      for (int i = 0; i < 20; i++) {
        int offset = i * 100;
        reads.add(
            threads.submit(() -> {
              read(app, offset);
              return null;
            }));
      }
      for (Future<?> read : reads) {
        read.get();
      }
      assertThat(tokens(server)).isEqualTo(1);
    }
  }

  @Test
  void aTokenIsReplacedBeforeItDies() throws Exception {
    try (FaultyRegistry server = serve(bearer(Duration.ofSeconds(1), true, Dialect.DOCKER));
        RegistryClient client = client(LOGIN)) {
      HttpRepository app = app(client, server);
      long end = System.nanoTime() + 2_500_000_000L;
      while (System.nanoTime() < end) {
        read(app, 0);
        Thread.sleep(20);
      }
      // The very first request is refused to learn where tokens are, and one may be late on a busy
      // machine; whoever waited for refusals would have seen three.
      assertThat(server.log())
          .filteredOn(LoggedRequest::isBlobRead)
          .filteredOn(r -> r.status() == 401)
          .hasSizeBetween(1, 2);
    }
  }

  @Test
  void aRevokedTokenIsReplaced() throws IOException {
    try (FaultyRegistry server = serve(bearer(HOUR, false, Dialect.DOCKER));
        RegistryClient client = client(LOGIN)) {
      HttpRepository app = app(client, server);
      read(app, 0);
      server.revokeTokens();
      read(app, 100);
      assertThat(tokens(server)).isEqualTo(2);
    }
  }

  @Test
  void rotatedCredentialsArePickedUpWhenTheOldOnesAreRefused() throws IOException {
    var current = new AtomicReference<Credential>(new Credential.UserPassword("u", "old"));
    for (Auth auth : List.of(bearer(HOUR, false, Dialect.DOCKER), new Auth.Basic("u", "p:q"))) {
      try (FaultyRegistry server = serve(auth);
          RegistryClient client = client(target -> current.get())) {
        current.set(new Credential.UserPassword("u", "old"));
        HttpRepository app = app(client, server);
        assertThatThrownBy(() -> read(app, 0)).isInstanceOf(RegistryException.class);
        current.set(RIGHT);
        read(app, 0);
      }
    }
  }

  @Test
  void aTokenServiceInTroubleIsAskedAgain() throws IOException {
    try (FaultyRegistry server = serve(bearer(HOUR, false, Dialect.DOCKER));
        RegistryClient client = client(LOGIN)) {
      server.fault(1, Call::isToken, new Fault.Status(503));
      server.fault(1, Call::isToken, new Fault.Dropped());
      read(app(client, server), 0);
    }
  }

  @Test
  void aSilentTokenServiceEndsWithThePatience() throws IOException {
    try (FaultyRegistry server = serve(bearer(HOUR, false, Dialect.DOCKER));
        RegistryClient client = client(LOGIN)) {
      server.fault(Call::isToken, new Fault.Delay(Duration.ofSeconds(30)));
      long began = System.nanoTime();
      assertThatThrownBy(() ->
              app(client, server)
                  .open(DESCRIPTOR)
                  .read(0, ByteBuffer.allocate(1), Duration.ofMillis(500)))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.TIMED_OUT));
      assertThat(System.nanoTime() - began).isLessThan(8_000_000_000L);
    }
  }

  @Test
  void slowCredentialsEndWithThePatience() throws IOException {
    CredentialProvider slow =
        target -> {
          try {
            Thread.sleep(30_000);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return RIGHT;
        };
    try (FaultyRegistry server = serve(new Auth.Basic("u", "p:q"));
        RegistryClient client = client(slow)) {
      assertThatThrownBy(() ->
              app(client, server)
                  .open(DESCRIPTOR)
                  .read(0, ByteBuffer.allocate(1), Duration.ofMillis(300)))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.TIMED_OUT));
    }
  }

  @Test
  void theProviderIsToldForWhom() throws IOException {
    var asked = new AtomicReference<CredentialProvider.Target>();
    try (FaultyRegistry server = serve(new Auth.Basic("u", "p:q"));
        RegistryClient client =
            client(target -> {
              asked.set(target);
              return RIGHT;
            })) {
      read(app(client, server), 0);
      assertThat(asked.get().registry()).isEqualTo(server.host());
      assertThat(asked.get().repository()).isEqualTo("team/app");
    }
  }

  @Test
  void redirectsAreRememberedUntilTheyExpire() throws Exception {
    try (FaultyRegistry server =
            FaultyRegistry.with()
                .auth(bearer(HOUR, true, Dialect.DOCKER))
                .redirectBlobs(Duration.ofSeconds(2))
                .start();
        RegistryClient client = client(LOGIN)) {
      server.putBlob("team/app", BLOB);
      var blob = app(client, server).open(DESCRIPTOR);
      ByteBuffer into = ByteBuffer.allocate(10);
      blob.read(0, into.clear(), PATIENCE);
      server.clearLog();
      for (int i = 0; i < 5; i++) {
        blob.read(i * 10L, into.clear(), PATIENCE);
        assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(BLOB, i * 10, 10));
      }
      assertThat(server.log()).extracting(LoggedRequest::origin).containsOnly("cdn");
      Thread.sleep(2100); // the signature's time, not ours
      blob.read(90, into.clear(), PATIENCE);
      assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(BLOB, 90, 10));
      assertThat(server.log()).extracting(LoggedRequest::origin).contains("registry");
    }
  }

  @Test
  void aStoreThatForbidsWhatTheRegistrySignedIsUnauthorized() throws IOException {
    try (FaultyRegistry server =
            FaultyRegistry.with().redirectBlobs(Duration.ofMinutes(1)).start();
        RegistryClient client = client(LOGIN)) {
      server.putBlob("team/app", BLOB);
      server.fault(c -> c.isBlobReadAt("cdn"), new Fault.Status(403));
      assertThatThrownBy(() -> read(app(client, server), 0))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAUTHORIZED))
          .hasMessageContaining(server.cdnHost());
    }
  }

  @Test
  void redirectsInCirclesEnd() throws IOException {
    try (FaultyRegistry server = serve(Auth.open());
        RegistryClient client = client(LOGIN)) {
      server.fault(
          Call::isBlobRead,
          new Fault.Status(307, Map.of("Location", "/v2/team/app/blobs/" + DESCRIPTOR.digest())));
      assertThatThrownBy(() -> read(app(client, server), 0))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.BAD_ANSWER))
          .hasMessageContaining("redirects");
    }
  }
}
