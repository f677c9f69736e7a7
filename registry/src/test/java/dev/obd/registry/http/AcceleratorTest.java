package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RemoteBlob;
import dev.obd.registry.auth.Credential;
import dev.obd.testdata.Auth;
import dev.obd.testdata.FaultyRegistry;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A peer-to-peer proxy by prefix before a registry. */
class AcceleratorTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final byte[] BLOB = random();
  private static final Descriptor DESCRIPTOR =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);

  private final SkippingClock clock = new SkippingClock();
  private ForwardProxy proxy;

  private static byte[] random() {
    byte[] bytes = new byte[50_000];
    new SplittableRandom(7).nextBytes(bytes);
    return bytes;
  }

  @BeforeEach
  void start() throws IOException {
    proxy = new ForwardProxy();
  }

  @AfterEach
  void stop() throws IOException {
    proxy.close();
  }

  private RegistryClient client(int port) throws IOException {
    URI address = URI.create("http://localhost:" + port + "/accelerator");
    return new RegistryClient(
        RegistryOptions.defaults()
            .withCredentials(target -> new Credential.UserPassword("u", "p:q"))
            .withClock(clock, () -> 0.5)
            .withNetwork(NetworkOptions.DIRECT.withAccelerator(address)));
  }

  private static RemoteBlob open(RegistryClient client, FaultyRegistry server) {
    return client.repository(ImageReference.parse(server.host() + "/team/app")).open(DESCRIPTOR);
  }

  private static void read(RemoteBlob blob, int offset) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(1000);
    blob.read(offset, into, PATIENCE);
    assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(BLOB, offset, 1000));
  }

  private static FaultyRegistry serve(Auth auth, boolean redirects) throws IOException {
    FaultyRegistry.Builder what = FaultyRegistry.with().auth(auth);
    FaultyRegistry server = (redirects ? what.redirectBlobs(Duration.ofSeconds(2)) : what).start();
    server.putBlob("team/app", BLOB);
    return server;
  }

  private static Auth tokens() {
    return new Auth.Bearer("u", "p:q", Duration.ofHours(1), false, Auth.Dialect.DOCKER);
  }

  @Test
  void dataIsAskedForByItsActualUrlAndNothingElseIs() throws IOException {
    for (boolean redirects : new boolean[] {false, true}) {
      try (FaultyRegistry server = serve(tokens(), redirects);
          RegistryClient client = client(proxy.port())) {
        proxy.heads().clear();
        RemoteBlob blob = open(client, server);
        read(blob, 0);
        read(blob, 5000);
        String data = redirects ? server.cdnHost() : server.host();
        assertThat(proxy.heads())
            .hasSize(2)
            .allMatch(h -> h.startsWith("GET /accelerator/http://" + data + "/"))
            .allMatch(h -> h.contains("Authorization: Bearer ") != redirects);
        assertThat(proxy.heads().getLast()).contains("Range: bytes=5000-5999");
        // A look at where the data is, its challenge and its token; the rest came through.
        assertThat(server.log())
            .filteredOn(r -> r.headers().getOrDefault("range", "").equals("bytes=0-0"))
            .hasSize(2);
      }
    }
  }

  @Test
  void anAddressThatEndedIsAskedForAgain() throws Exception {
    try (FaultyRegistry server = serve(tokens(), true);
        RegistryClient client = client(proxy.port())) {
      RemoteBlob blob = open(client, server);
      read(blob, 0);
      Thread.sleep(2100); // the life of the redirect's address
      read(blob, 100);
      read(blob, 200);
      assertThat(proxy.heads()).hasSizeGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void whereNobodyListensDataComesStraight() throws IOException {
    int port;
    try (var taken = new ServerSocket(0)) {
      port = taken.getLocalPort();
    }
    try (FaultyRegistry server = serve(Auth.open(), false);
        RegistryClient client = client(port)) {
      RemoteBlob blob = open(client, server);
      read(blob, 0);
      read(blob, 100);
      assertThat(server.log()).hasSize(2);
    }
  }

  @Test
  void oneThatFailsIsPassedByAndUsedAgainLater() throws Exception {
    try (FaultyRegistry server = serve(Auth.open(), false);
        RegistryClient client = client(proxy.port())) {
      RemoteBlob blob = open(client, server);
      read(blob, 0);
      proxy.refuse("HTTP/1.1 502 Bad Gateway");
      read(blob, 100);
      int asked = proxy.heads().size();
      read(blob, 200); // not even tried
      assertThat(proxy.heads()).hasSize(asked);
      proxy.refuse("");
      clock.skip(Duration.ofSeconds(31));
      for (int i = 0; i < 500 && proxy.heads().size() == asked; i++) {
        read(blob, 300);
        Thread.sleep(10);
      }
      assertThat(proxy.heads().size()).isGreaterThan(asked);
    }
  }

  @Test
  void bytesThatProvedWrongAreFetchedStraight() throws IOException {
    try (FaultyRegistry server = serve(Auth.open(), false);
        RegistryClient client = client(proxy.port())) {
      RemoteBlob blob = open(client, server);
      read(blob, 0);
      blob.distrust();
      read(blob, 0);
      assertThat(proxy.heads()).hasSize(1);
    }
  }

  @Test
  void whatTheRegistryDoesNotHaveIsNotFound() throws IOException {
    try (FaultyRegistry server = FaultyRegistry.start();
        RegistryClient client = client(proxy.port())) {
      RemoteBlob blob = open(client, server);
      assertThatThrownBy(() -> read(blob, 0))
          .isInstanceOfSatisfying(
              RegistryException.class,
              e -> assertThat(e.kind()).isEqualTo(RegistryException.Kind.NOT_FOUND));
    }
  }
}
