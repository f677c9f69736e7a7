package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.registry.BlobStore;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.Progress;
import dev.obd.registry.RemoteBlob;
import dev.obd.registry.auth.Credential;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.Tools;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** nginx: as a mirror with a range cache before a real registry, and as a plain web server. */
@Timeout(120)
class NginxTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final byte[] BLOB = random();
  private static final Descriptor DESCRIPTOR =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);
  private static final String CONFIG =
      """
      daemon off; master_process off; pid %1$s/pid; error_log %1$s/error.log;
      events {}
      http {
        access_log off; client_body_temp_path %1$s/t1; proxy_temp_path %1$s/t2;
        fastcgi_temp_path %1$s/t3; uwsgi_temp_path %1$s/t4; scgi_temp_path %1$s/t5;
        proxy_cache_path %1$s/cache keys_zone=ranges:1m;
        server {
          listen 127.0.0.1:%2$d;
          location /v2/ {
            proxy_pass http://%3$s;
            proxy_cache ranges;
            proxy_cache_key $uri$http_range;
            proxy_cache_valid 200 206 1h;
            proxy_set_header Range $http_range;
            proxy_set_header Authorization "Basic %4$s";
          }
          location / { root %1$s/files; }
        }
      }
      """;

  @TempDir Path directory;

  private ProcessRegistry registry;
  private Process nginx;
  private int port;

  private static byte[] random() {
    byte[] bytes = new byte[300_000];
    new SplittableRandom(31).nextBytes(bytes);
    return bytes;
  }

  @BeforeEach
  void start() throws Exception {
    Tools.requireOnPath("nginx", "docker-registry");
    registry = ProcessRegistry.with().basicAuth().start();
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    String login =
        new Credential.UserPassword(ProcessRegistry.USER, ProcessRegistry.PASSWORD).basic();
    Files.createDirectories(directory.resolve("files/layers"));
    Files.writeString(
        directory.resolve("nginx.conf"),
        CONFIG.formatted(directory, port, registry.host(), login.substring("Basic ".length())));
    nginx =
        new ProcessBuilder(
                Tools.find("nginx").orElseThrow().toString(),
                "-e",
                directory.resolve("error.log").toString(),
                "-c",
                directory.resolve("nginx.conf").toString())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("output").toFile())
            .start();
    for (int i = 0; i < 1000 && nginx.isAlive() && !answers(); i++) {
      Thread.sleep(10);
    }
    assertThat(nginx.isAlive()).describedAs(Files.readString(directory.resolve("output"))).isTrue();
  }

  private boolean answers() {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  @AfterEach
  void stop() throws Exception {
    if (nginx != null) {
      nginx.destroy();
      assertThat(nginx.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }
    if (registry != null) {
      registry.close();
    }
  }

  private RegistryClient client(Map<String, List<URI>> mirrors) throws IOException {
    return new RegistryClient(
        RegistryOptions.defaults()
            .withCredentials(target ->
                target.registry().equals(registry.host())
                    ? new Credential.UserPassword(ProcessRegistry.USER, ProcessRegistry.PASSWORD)
                    : Credential.ANONYMOUS)
            .withNetwork(NetworkOptions.DIRECT.withMirrors(mirrors)));
  }

  private static void read(RemoteBlob blob, int offset) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(65_536);
    blob.read(offset, into, PATIENCE);
    assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(BLOB, offset, 65_536));
  }

  @Test
  void asAMirrorItServesTheRangesItHasWhileTheRegistryIsGone() throws Exception {
    var mirror = Map.of(registry.host(), List.of(URI.create("http://127.0.0.1:" + port)));
    try (RegistryClient client = client(mirror)) {
      HttpRepository app = client.repository(ImageReference.parse(registry.host() + "/team/app"));
      app.push(DESCRIPTOR, () -> new ByteArrayInputStream(BLOB), Progress.NONE);
      registry.clearLog();
      RemoteBlob blob = app.open(DESCRIPTOR);
      for (int round = 0; round < 3; round++) {
        read(blob, 0);
        read(blob, 65_536);
      }
      assertThat(registry.log()).hasSize(2);
      registry.stop();
      read(blob, 0);
      read(blob, 65_536);
      nginx.destroy(); // and the other way round
      assertThat(nginx.waitFor(20, TimeUnit.SECONDS)).isTrue();
      registry.restart();
      read(blob, 131_072);
    }
  }

  @Test
  void asAWebServerItServesLayers() throws IOException {
    Files.write(directory.resolve("files/layers").resolve(DESCRIPTOR.digest().value()), BLOB);
    try (RegistryClient client = client(Map.of())) {
      BlobStore store = client.files(URI.create("http://127.0.0.1:" + port + "/layers"));
      assertThat(store.blobSize(DESCRIPTOR.digest())).hasValue(BLOB.length);
      assertThat(store.blobSize(Digest.of("x".getBytes(StandardCharsets.UTF_8)))).isEmpty();
      RemoteBlob blob = store.open(DESCRIPTOR);
      read(blob, 0);
      read(blob, BLOB.length - 65_536);
    }
  }
}
