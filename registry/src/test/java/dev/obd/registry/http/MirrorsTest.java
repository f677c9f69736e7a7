package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.RemoteBlob;
import dev.obd.registry.auth.Credential;
import dev.obd.registry.auth.CredentialProvider;
import dev.obd.testdata.Auth;
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two mirrors before a registry. */
class MirrorsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final byte[] BLOB = random();
  private static final Descriptor DESCRIPTOR =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);

  private final SkippingClock clock = new SkippingClock();
  private final List<AutoCloseable> open = new ArrayList<>();
  private FaultyRegistry first;
  private FaultyRegistry second;
  private FaultyRegistry origin;

  private static byte[] random() {
    byte[] bytes = new byte[50_000];
    new SplittableRandom(9).nextBytes(bytes);
    return bytes;
  }

  @BeforeEach
  void start() throws IOException {
    first = serve("team/app", Auth.open());
    second = serve("cache/proxy/team/app", new Auth.Basic("m", "s"));
    origin = serve("team/app", Auth.open());
  }

  private FaultyRegistry serve(String repository, Auth auth) throws IOException {
    FaultyRegistry server = FaultyRegistry.with().auth(auth).start();
    server.putBlob(repository, BLOB);
    open.add(server);
    return server;
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  private HttpRepository repository() throws IOException {
    CredentialProvider ofTheSecond =
        target ->
            target.registry().equals(second.host())
                ? new Credential.UserPassword("m", "s")
                : Credential.ANONYMOUS;
    var mirrors =
        List.of(
            URI.create("http://" + first.host()),
            URI.create("http://" + second.host() + "/cache/proxy/"));
    var client =
        new RegistryClient(
            RegistryOptions.defaults()
                .withCredentials(ofTheSecond)
                .withClock(clock, () -> 0.5)
                .withNetwork(NetworkOptions.DIRECT.withMirrors(Map.of(origin.host(), mirrors))));
    open.add(client);
    return client.repository(ImageReference.parse(origin.host() + "/team/app"));
  }

  private static void read(RemoteBlob blob, int offset) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(1000);
    blob.read(offset, into, PATIENCE);
    assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(BLOB, offset, 1000));
  }

  private void assertAsked(int byFirst, int bySecond, int byOrigin) {
    assertThat(List.of(first, second, origin))
        .extracting(s -> s.log().size())
        .containsExactly(byFirst, bySecond, byOrigin);
    List.of(first, second, origin).forEach(FaultyRegistry::clearLog);
  }

  @Test
  void theFirstThatIsWellIsAskedAndTheOthersAreLeftAlone() throws IOException {
    RemoteBlob blob = repository().open(DESCRIPTOR);
    read(blob, 0);
    read(blob, 1);
    assertAsked(2, 0, 0);
  }

  @Test
  void oneThatIsDownIsPassedByUntilItIsTimeToLookAgain() throws IOException {
    RemoteBlob blob = repository().open(DESCRIPTOR);
    first.down();
    read(blob, 0);
    assertAsked(0, 2, 0); // with its challenge
    read(blob, 1);
    assertAsked(0, 1, 0);
    first.up();
    clock.skip(Duration.ofMillis(1100));
    read(blob, 2);
    read(blob, 3);
    assertAsked(2, 0, 0);
  }

  @Test
  void theRegistryIsAskedWhenNoMirrorIsWell() throws IOException {
    RemoteBlob blob = repository().open(DESCRIPTOR);
    first.down();
    second.down();
    read(blob, 0);
    read(blob, 1);
    assertAsked(0, 0, 2);
    for (int i = 0; i < 8; i++) { // each failure doubles the rest, up to a minute
      clock.skip(Duration.ofSeconds(61));
      read(blob, i);
    }
    first.up();
    second.up();
    List.of(first, second, origin).forEach(FaultyRegistry::clearLog);
    clock.skip(Duration.ofSeconds(61));
    read(blob, 9);
    assertAsked(1, 0, 0);
  }

  @Test
  void oneThatDoesNotHaveTheBlobIsNotIllAndNotAskedForItAgain() throws IOException {
    byte[] other = "other".getBytes(StandardCharsets.UTF_8);
    second.putBlob("cache/proxy/team/app", other);
    HttpRepository repository = repository();
    var descriptor = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(other), other.length);
    RemoteBlob blob = repository.open(descriptor);
    for (int i = 0; i < 3; i++) {
      blob.read(0, ByteBuffer.allocate(5), PATIENCE);
    }
    assertAsked(1, 4, 0);
    read(repository.open(DESCRIPTOR), 0);
    assertAsked(1, 0, 0);
  }

  @Test
  void aSilentMirrorCostsAPartOfThePatienceAndNotTheRead() throws IOException {
    first.fault(Call::isBlobRead, new Fault.Delay(Duration.ofSeconds(30)));
    RemoteBlob blob = repository().open(DESCRIPTOR);
    ByteBuffer into = ByteBuffer.allocate(1000);
    blob.read(0, into, Duration.ofSeconds(4));
    assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(BLOB, 0, 1000));
    second.clearLog();
    read(blob, 1);
    assertThat(second.log()).hasSize(1);
  }

  @Test
  void aBodyThatBreaksOffIsTheMirrorsFault() throws IOException {
    first.fault(Call::isBlobRead, new Fault.Truncated(10));
    RemoteBlob blob = repository().open(DESCRIPTOR);
    read(blob, 0);
    assertAsked(1, 2, 0);
    read(blob, 1);
    assertAsked(0, 1, 0);
  }

  @Test
  void wrongAnswersOfAMirrorAreTheMirrorsFault() throws IOException {
    for (Fault fault :
        List.of(
            new Fault.IgnoredRange(),
            new Fault.ShiftedRange(7),
            new Fault.Empty(),
            new Fault.Gzipped(),
            new Fault.NoContentRange(),
            new Fault.Garbage("hello\r\n\r\n"),
            new Fault.Status(502),
            new Fault.Status(401),
            new Fault.Status(429))) {
      first.fault(Call::isBlobRead, fault);
      read(repository().open(DESCRIPTOR), 100);
      assertThat(origin.log()).describedAs(fault.toString()).isEmpty();
      first.clearFaults();
    }
  }

  @Test
  void bytesThatProvedWrongAreFetchedFromTheRegistry() throws IOException {
    RemoteBlob blob = repository().open(DESCRIPTOR);
    read(blob, 0);
    blob.distrust();
    read(blob, 0);
    assertAsked(1, 0, 1);
    clock.skip(Duration.ofMinutes(6));
    read(blob, 0);
    assertAsked(1, 0, 0);
  }

  @Test
  void manifestsAndWholeBlobsComeFromMirrorsToo() throws IOException {
    byte[] config = "{}".getBytes(StandardCharsets.UTF_8);
    String manifest =
        "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":2},\"layers\":[]}"
            .formatted(MediaTypes.OCI_MANIFEST, MediaTypes.OCI_CONFIG, Digest.of(config));
    byte[] bytes = manifest.getBytes(StandardCharsets.UTF_8);
    second.putManifest("cache/proxy/team/app", "v1", MediaTypes.OCI_MANIFEST, bytes);
    HttpRepository repository = repository();
    assertThat(repository.resolve("v1").orElseThrow().digest()).isEqualTo(Digest.of(bytes));
    assertThat(repository.manifest("v1").bytes()).isEqualTo(bytes);
    assertThat(repository.blobSize(DESCRIPTOR.digest())).hasValue(BLOB.length);
    try (var in = repository.stream(DESCRIPTOR)) {
      assertThat(in.readAllBytes()).isEqualTo(BLOB);
    }
    assertThat(origin.log()).isEmpty();
    assertThat(repository.resolve("v2")).isEmpty();
    assertThat(origin.log()).isNotEmpty();
  }

  @Test
  void whatIsWrittenGoesToTheRegistry() throws IOException {
    byte[] more = "more".getBytes(StandardCharsets.UTF_8);
    var descriptor = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(more), more.length);
    repository()
        .push(
            descriptor,
            () -> new java.io.ByteArrayInputStream(more),
            dev.obd.registry.Progress.NONE);
    assertThat(origin.hasBlob("team/app", descriptor.digest().value())).isTrue();
  }
}
