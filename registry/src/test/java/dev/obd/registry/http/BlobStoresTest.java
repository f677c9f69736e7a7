package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.obd.registry.BlobStore;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RemoteBlob;
import dev.obd.registry.auth.Credential;
import dev.obd.registry.client.Repositories;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.Tools;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Places of blobs that are no registry, all by the same interface. */
@Timeout(60)
class BlobStoresTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final byte[] BLOB = random();
  private static final Descriptor DESCRIPTOR =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);
  private static final Descriptor MISSING =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(new byte[] {1}), 1);

  @TempDir Path directory;

  private final List<AutoCloseable> open = new ArrayList<>();
  private final AtomicReference<String> seen = new AtomicReference<>("");
  private Repositories repositories;

  private static byte[] random() {
    byte[] bytes = new byte[100_000];
    new SplittableRandom(11).nextBytes(bytes);
    return bytes;
  }

  @BeforeEach
  void start() throws IOException {
    repositories =
        new Repositories(
            RegistryOptions.defaults()
                .withCredentials(target -> new Credential.UserPassword("u", "p")));
    open.add(repositories);
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  /** What every store has to do that holds the blob. */
  private static void verify(BlobStore store) throws IOException {
    assertThat(store.blobSize(DESCRIPTOR.digest())).hasValue(BLOB.length);
    assertThat(store.blobSize(MISSING.digest())).isEmpty();
    try (RemoteBlob blob = store.open(DESCRIPTOR)) {
      assertThat(blob.size()).isEqualTo(BLOB.length);
      for (int offset : new int[] {0, 1, 4096, BLOB.length - 1000}) {
        ByteBuffer into = ByteBuffer.allocate(1000);
        blob.read(offset, into, PATIENCE);
        assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(BLOB, offset, 1000));
      }
      ByteBuffer direct = ByteBuffer.allocateDirect(BLOB.length);
      blob.read(0, direct, PATIENCE);
      assertThat(direct.flip()).isEqualTo(ByteBuffer.wrap(BLOB));
      assertThatThrownBy(() -> blob.read(BLOB.length - 5, ByteBuffer.allocate(6), PATIENCE))
          .isInstanceOf(EOFException.class);
    }
    assertThatThrownBy(() -> store.open(MISSING).read(0, ByteBuffer.allocate(1), PATIENCE))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
  }

  @Test
  void aDirectoryByAnyOfItsNames() throws IOException {
    String hex = DESCRIPTOR.digest().hex();
    int number = 0;
    for (String name : List.of("sha256:" + hex, hex, "sha256/" + hex, "blobs/sha256/" + hex)) {
      Path root = directory.resolve("d" + number++);
      Path file = root.resolve(name);
      Files.createDirectories(file.getParent());
      Files.write(file, BLOB);
      verify(repositories.blobs("dir:" + root));
      verify(repositories.blobs(root.toString()));
      verify(repositories.blobs(root.toUri().toString()));
    }
  }

  @Test
  void aDirectoryThatIsNotThereMayComeAndAFileOfTheWrongSizeIsRefused() throws IOException {
    BlobStore store = repositories.blobs("dir:" + directory.resolve("share"));
    assertThatThrownBy(() -> store.open(DESCRIPTOR))
        .isInstanceOfSatisfying(RegistryException.class, e -> assertThat(e.isRetryable()).isTrue())
        .hasMessageContaining("share");
    Files.createDirectories(directory.resolve("share"));
    Path file = directory.resolve("share").resolve(DESCRIPTOR.digest().value());
    Files.write(file, Arrays.copyOf(BLOB, 10));
    assertThatThrownBy(() -> store.open(DESCRIPTOR))
        .isInstanceOf(RegistryException.class)
        .hasMessageContaining("expected " + BLOB.length);
    Files.write(file, BLOB);
    verify(store);
  }

  @Test
  void aPipeIsNoBlobAndIsNotOpened() throws Exception {
    Tools.requireOnPath("mkfifo");
    Path pipe = directory.resolve(DESCRIPTOR.digest().value());
    Process made = new ProcessBuilder("mkfifo", pipe.toString()).start();
    assertThat(made.waitFor(20, TimeUnit.SECONDS)).isTrue();
    // Opening it would wait for a writer for ever.
    BlobStore store = repositories.blobs("dir:" + directory);
    assertThatThrownBy(() -> store.open(DESCRIPTOR))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
  }

  private URI serve(boolean wantsLogin) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/files/",
        exchange -> {
          try (exchange) {
            String login = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
            seen.set(login);
            if (wantsLogin && !login.startsWith("Basic ")) {
              exchange.getResponseHeaders().set("WWW-Authenticate", "Basic realm=\"files\"");
              exchange.sendResponseHeaders(401, -1);
            } else {
              answer(exchange, "/files/" + DESCRIPTOR.digest());
            }
          }
        });
    server.start();
    open.add(() -> server.stop(0));
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/files");
  }

  private static void answer(HttpExchange exchange, String path) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    if (!exchange.getRequestURI().getPath().equals(path)) {
      exchange.sendResponseHeaders(404, -1);
    } else if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(BLOB.length));
      exchange.sendResponseHeaders(200, -1);
    } else if (range == null) {
      exchange.sendResponseHeaders(200, BLOB.length);
      exchange.getResponseBody().write(BLOB);
    } else {
      String[] ends = range.substring("bytes=".length()).split("-");
      int from = Integer.parseInt(ends[0]);
      int to = Integer.parseInt(ends[1]);
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes " + from + "-" + to + "/" + BLOB.length);
      exchange.sendResponseHeaders(206, to - from + 1);
      exchange.getResponseBody().write(BLOB, from, to - from + 1);
    }
  }

  @Test
  void aWebServersFolder() throws IOException {
    verify(repositories.blobs(serve(false).toString()));
    assertThat(seen.get()).isEqualTo("null");
    verify(repositories.blobs(serve(true) + "/"));
    assertThat(seen.get()).isEqualTo("Basic dTpw");
  }

  @Test
  void aRepositoryByItsBlobUrl() throws IOException {
    try (FaultyRegistry server = FaultyRegistry.start()) {
      server.putBlob("team/app", BLOB);
      for (String end : List.of("", "/")) {
        verify(repositories.blobs("http://" + server.host() + "/v2/team/app/blobs" + end));
      }
    }
  }

  @Test
  void theSchemeOfARepositorysUrlIsTakenAtItsWord() throws IOException {
    try (FaultyRegistry server = FaultyRegistry.start()) {
      server.putBlob("app", BLOB);
      BlobStore tls = repositories.blobs("https://" + server.host() + "/v2/app/blobs");
      assertThatThrownBy(
              () -> tls.open(DESCRIPTOR).read(0, ByteBuffer.allocate(1), Duration.ofSeconds(1)))
          .isInstanceOf(RegistryException.class)
          .hasMessageContaining("https://");
    }
  }

  /** A bucket that believes only requests whose signature it can make itself. */
  private URI bucket(S3Options like, boolean preSigned) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            String host = exchange.getRequestHeaders().getFirst("Host");
            String refusal = StrictBucket.refusal(exchange, host, like, preSigned);
            seen.set(refusal);
            if (refusal.isEmpty()) {
              answer(exchange, "/bucket/layers/" + DESCRIPTOR.digest());
            } else {
              byte[] body = refusal.getBytes(StandardCharsets.UTF_8);
              exchange.sendResponseHeaders(403, body.length);
              exchange.getResponseBody().write(body);
            }
          }
        });
    server.start();
    open.add(() -> server.stop(0));
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  @Test
  void anObjectStoreByHeadersAndByPreSignedAddresses() throws IOException {
    var keys = new AtomicReference<>(Optional.of(new S3Keys("id", "old", Optional.empty())));
    var right = Optional.of(new S3Keys("id", "s/e+c", Optional.of("to/ken==")));
    for (boolean preSigned : new boolean[] {false, true}) {
      S3Options theirs = S3Options.parse("s3://bucket/layers", () -> right);
      URI endpoint = bucket(theirs, preSigned);
      String url =
          "s3://bucket/layers?endpoint=" + endpoint + (preSigned ? "&sign=query" : "&sign=header");
      try (var client = new RegistryClient(RegistryOptions.defaults())) {
        BlobStore store = client.objects(S3Options.parse(url, keys::get));
        assertThatThrownBy(() -> store.open(DESCRIPTOR).read(0, ByteBuffer.allocate(1), PATIENCE))
            .isInstanceOfSatisfying(
                RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAUTHORIZED))
            .hasMessageNotContaining("old");
        keys.set(right); // rotated: the next request has the new ones
        verify(store);
        keys.set(Optional.empty());
        assertThatThrownBy(() -> store.open(DESCRIPTOR).read(0, ByteBuffer.allocate(1), PATIENCE))
            .isInstanceOf(RegistryException.class);
        keys.set(Optional.of(new S3Keys("id", "old", Optional.empty())));
      }
    }
  }

  @Test
  void whatIsNoPlaceIsRefused() {
    for (String url :
        List.of("", "ftp://h/x", "relative", "http://", "https://u:p@h/x", "s3://", "dir:x")) {
      assertThatThrownBy(() -> repositories.blobs(url))
          .describedAs(url)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aServerThatIsAwayIsTriedAgain() throws IOException {
    int port;
    try (var taken = new ServerSocket(0)) {
      port = taken.getLocalPort();
    }
    BlobStore store = repositories.blobs("http://127.0.0.1:" + port + "/files");
    assertThatThrownBy(
            () -> store.open(DESCRIPTOR).read(0, ByteBuffer.allocate(1), Duration.ofMillis(500)))
        .isInstanceOfSatisfying(RegistryException.class, e -> assertThat(e.isRetryable()).isTrue())
        .hasMessageContaining("gave up after");
  }
}
