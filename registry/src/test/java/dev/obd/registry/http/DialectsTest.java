package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RemoteBlob;
import dev.obd.registry.auth.Credential;
import dev.obd.testdata.Auth;
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What registries in the field do differently: the same work with each of them. */
class DialectsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final byte[] BLOB = random();
  private static final Descriptor DESCRIPTOR =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);
  private static final byte[] MANIFEST =
      "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d},\"layers\":[]}"
          .formatted(
              MediaTypes.OCI_MANIFEST, MediaTypes.OCI_CONFIG, DESCRIPTOR.digest(), BLOB.length)
          .getBytes(StandardCharsets.UTF_8);

  private static byte[] random() {
    byte[] bytes = new byte[30_000];
    new SplittableRandom(21).nextBytes(bytes);
    return bytes;
  }

  private static Auth tokens(Auth.Dialect dialect) {
    return new Auth.Bearer("u", "p:q", Duration.ofHours(1), false, dialect);
  }

  private static boolean isHead(Call call) {
    return call.method().equals("HEAD");
  }

  /** One way to be a registry. */
  enum Dialect {
    NO_CHALLENGE(Auth.open()),
    BASIC(new Auth.Basic("u", "p:q")),
    TOKEN(tokens(Auth.Dialect.DOCKER)),
    ACCESS_TOKEN(tokens(Auth.Dialect.ACCESS_TOKEN)),
    TOKEN_WITHOUT_EXPIRY(tokens(Auth.Dialect.NO_EXPIRY)),
    DUPLICATE_CHALLENGE(tokens(Auth.Dialect.DUPLICATE)),
    BASIC_AND_BEARER_CHALLENGES(tokens(Auth.Dialect.TWO_CHALLENGES)),
    ODDLY_SPELLED_CHALLENGE(tokens(Auth.Dialect.ODD_SPELLING)),
    TOKENS_THAT_LIVE_SHORTER_THAN_THEY_SAY(
        tokens(Auth.Dialect.DOCKER), FaultyRegistry::revokeTokens),
    ABSOLUTE_REDIRECT(Duration.ofHours(1), false),
    RELATIVE_REDIRECT(Duration.ofHours(1), true),
    SIGNED_ADDRESS_THAT_EXPIRES(Duration.ofMillis(300), false),
    HEAD_NOT_ALLOWED(DialectsTest::isHead, new Fault.Status(405)),
    HEAD_FORBIDDEN_FOR_BLOBS(c -> isHead(c) && c.path().contains("/blobs/"), new Fault.Status(403)),
    NO_CONTENT_LENGTH(c -> !isHead(c), new Fault.NoLength()),
    CHUNKED(c -> !isHead(c), new Fault.Chunked()),
    HTTP_1_0_CLOSE(c -> !isHead(c), new Fault.Http10()),
    LOWER_CASE_HEADERS(c -> true, new Fault.LowerCaseHead()),
    BUSY_NOW_AND_THEN(c -> c.attempt() == 0, new Fault.Status(429));

    private final Consumer<FaultyRegistry.Builder> how;
    private final Consumer<FaultyRegistry> then;
    private final Consumer<FaultyRegistry> between;

    Dialect(Auth auth) {
      this(auth, server -> {});
    }

    Dialect(Auth auth, Consumer<FaultyRegistry> between) {
      this.how = builder -> builder.auth(auth);
      this.then = server -> {};
      this.between = between;
    }

    Dialect(Duration redirect, boolean relative) {
      this.how =
          builder -> {
            builder.auth(tokens(Auth.Dialect.DOCKER)).redirectBlobs(redirect);
            if (relative) {
              builder.relativeLocations();
            }
          };
      this.then = server -> {};
      this.between = server -> pause(redirect);
    }

    Dialect(java.util.function.Predicate<Call> when, Fault fault) {
      this.how = builder -> {};
      this.then = server -> server.fault(when, fault);
      this.between = server -> {};
    }

    private static void pause(Duration life) {
      if (life.compareTo(Duration.ofSeconds(1)) < 0) {
        try {
          Thread.sleep(life.toMillis() + 50);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void anImageIsReadFrom(Dialect dialect) throws IOException {
    FaultyRegistry.Builder builder = FaultyRegistry.with();
    dialect.how.accept(builder);
    try (FaultyRegistry server = builder.start();
        var client =
            new RegistryClient(
                RegistryOptions.defaults()
                    .withCredentials(target -> new Credential.UserPassword("u", "p:q")))) {
      String empty = server.putBlob("team/app", new byte[0]);
      server.putBlob("team/app", BLOB);
      server.putManifest("team/app", "v1", MediaTypes.OCI_MANIFEST, MANIFEST);
      dialect.then.accept(server);
      HttpRepository app = client.repository(ImageReference.parse(server.host() + "/team/app"));
      assertThat(app.resolve("v1").orElseThrow().digest()).isEqualTo(Digest.of(MANIFEST));
      dialect.between.accept(server);
      assertThat(app.manifest("v1").bytes()).isEqualTo(MANIFEST);
      assertThat(app.resolve("v2")).isEmpty();
      assertThat(app.blobSize(DESCRIPTOR.digest())).hasValue(BLOB.length);
      assertThat(app.blobSize(new Digest(empty))).hasValue(0); // some answer 416
      RemoteBlob blob = app.open(DESCRIPTOR);
      for (int offset : new int[] {0, 1, 12_345, BLOB.length - 100}) {
        dialect.between.accept(server);
        ByteBuffer into = ByteBuffer.allocate(100);
        blob.read(offset, into, PATIENCE);
        assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(BLOB, offset, 100));
      }
      try (var in = app.stream(DESCRIPTOR)) {
        assertThat(in.readAllBytes()).isEqualTo(BLOB);
      }
    }
  }

  @Test
  void aRefusalWithoutAChallengeIsOneAtOnce() throws IOException {
    try (FaultyRegistry server = FaultyRegistry.start();
        var client = new RegistryClient(RegistryOptions.defaults())) {
      server.putBlob("app", BLOB);
      server.fault(c -> true, new Fault.Status(401));
      RemoteBlob blob =
          client.repository(ImageReference.parse(server.host() + "/app")).open(DESCRIPTOR);
      assertThatThrownBy(() -> blob.read(0, ByteBuffer.allocate(1), PATIENCE))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAUTHORIZED));
      assertThat(server.log()).hasSize(1);
    }
  }
}
