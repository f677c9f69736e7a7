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
import dev.obd.testdata.Call;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class UploadTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static byte[] random(long seed, int length) {
    byte[] bytes = new byte[length];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  private static RegistryClient client(int chunkBytes) throws IOException {
    return new RegistryClient(
        RegistryOptions.defaults().withPatience(PATIENCE, 8).withUploadChunkBytes(chunkBytes));
  }

  private static void push(RegistryClient client, FaultyRegistry server, byte[] bytes)
      throws IOException {
    client
        .repository(ImageReference.parse(server.host() + "/app"))
        .push(
            new Descriptor(MediaTypes.OCI_LAYER, Digest.of(bytes), bytes.length),
            () -> new ByteArrayInputStream(bytes),
            Progress.NONE);
  }

  private static Predicate<Call> uploads(String method) {
    return call -> call.isUpload() && call.method().equals(method);
  }

  static Stream<Fault> faults() {
    return Stream.of(
        new Fault.Status(500),
        new Fault.Status(503),
        new Fault.Status(429),
        new Fault.Status(404),
        new Fault.Status(416),
        new Fault.Dropped(),
        new Fault.Garbage("?"),
        new Fault.Reset(0));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("faults")
  void anUploadInOnePieceSurvivesEachRequestFailing(Fault fault) throws IOException {
    for (String method : new String[] {"POST", "PUT"}) {
      if (method.equals("POST")
          && fault instanceof Fault.Status s
          && (s.code() == 404 || s.code() == 416)) {
        continue; // no uploads here, says the registry: that is an answer
      }
      byte[] bytes = random(1, 30_000);
      try (FaultyRegistry server = FaultyRegistry.start();
          RegistryClient client = client(1 << 20)) {
        server.fault(1, uploads(method), fault);
        push(client, server, bytes);
        assertThat(server.blob(Digest.of(bytes).value())).isEqualTo(bytes);
      }
    }
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, 3, System.nanoTime());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void anUploadInChunksSurvivesAnyRowOfFailures(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] bytes = random(seed, random.nextInt(20_000, 60_000));
    try (FaultyRegistry server = FaultyRegistry.start();
        RegistryClient client = client(random.nextInt(4_000, 12_000))) {
      var faults = faults().toList();
      for (int i = 0; i < 4; i++) {
        String method = random.nextBoolean() ? "PATCH" : "PUT";
        server.fault(1, uploads(method), faults.get(random.nextInt(faults.size())));
      }
      push(client, server, bytes);
      assertThat(server.blob(Digest.of(bytes).value())).isEqualTo(bytes);
    }
  }

  @Test
  void aBrokenChunkIsResumedWhereTheRegistryIs() throws IOException {
    byte[] bytes = random(5, 50_000);
    try (FaultyRegistry server = FaultyRegistry.start();
        RegistryClient client = client(10_000)) {
      server.fault(1, c -> uploads("PATCH").test(c) && c.number() > 5, new Fault.Dropped());
      push(client, server, bytes);
      assertThat(server.blob(Digest.of(bytes).value())).isEqualTo(bytes);
      assertThat(server.log()).filteredOn(r -> r.method().equals("POST")).hasSize(1);
    }
  }

  @Test
  void locationsMayBeRelative() throws IOException {
    byte[] bytes = random(6, 50_000);
    try (FaultyRegistry server = FaultyRegistry.with().relativeLocations().start();
        RegistryClient client = client(10_000)) {
      push(client, server, bytes);
      assertThat(server.blob(Digest.of(bytes).value())).isEqualTo(bytes);
    }
  }

  @Test
  void aRefusedUploadFailsAtOnceWithTheRegistrysWords() throws IOException {
    byte[] bytes = random(7, 1000);
    try (FaultyRegistry server = FaultyRegistry.start();
        RegistryClient client = client(10_000)) {
      server.fault(uploads("POST"), new Fault.Status(405));
      assertThatThrownBy(() -> push(client, server, bytes))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
          .hasMessageContaining("as the test ordered");
    }
  }

  @Test
  void anUploadThatIsNotTakenEndsWithThePatience() throws IOException {
    byte[] bytes = random(8, 1000);
    try (FaultyRegistry server = FaultyRegistry.start();
        RegistryClient client =
            new RegistryClient(
                RegistryOptions.defaults().withPatience(Duration.ofMillis(500), 2))) {
      server.fault(uploads("PUT"), new Fault.Delay(Duration.ofSeconds(30)));
      long began = System.nanoTime();
      assertThatThrownBy(() -> push(client, server, bytes))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.TIMED_OUT));
      assertThat(System.nanoTime() - began).isLessThan(10_000_000_000L);
    }
  }

  @Test
  void aRegistryThatForbidsDeletionIsQuoted() throws IOException {
    try (FaultyRegistry server = FaultyRegistry.start();
        RegistryClient client = client(10_000)) {
      server.putManifest(
          "app", "v", MediaTypes.OCI_MANIFEST, "{\"schemaVersion\":2}".getBytes("UTF-8"));
      server.fault(c -> c.method().equals("DELETE"), new Fault.Status(405));
      assertThatThrownBy(
              () -> client.repository(ImageReference.parse(server.host() + "/app")).untag("v"))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
          .hasMessageContaining("does not allow deletion");
    }
  }

  @Test
  void tagsComePageByPageAndNeverForEver() throws IOException {
    try (FaultyRegistry server = FaultyRegistry.start();
        RegistryClient client = client(10_000)) {
      byte[] manifest = "{\"schemaVersion\":2}".getBytes("UTF-8");
      for (int i = 0; i < 2500; i++) {
        server.putManifest("app", "t" + (10_000 + i), MediaTypes.OCI_MANIFEST, manifest);
      }
      HttpRepository app = client.repository(ImageReference.parse(server.host() + "/app"));
      assertThat(app.tags()).hasSize(2500).isSorted();
      assertThat(server.log().size()).isGreaterThanOrEqualTo(3);
      server.fault(
          c -> c.path().endsWith("/tags/list"),
          new Fault.Status(200, Map.of("Link", "</v2/app/tags/list?last=x>; rel=\"next\"")));
      assertThat(app.tags()).isEmpty();
    }
  }
}
