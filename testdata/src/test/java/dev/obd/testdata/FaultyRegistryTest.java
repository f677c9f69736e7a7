package dev.obd.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 600, unit = TimeUnit.SECONDS)
class FaultyRegistryTest {
  private static final String REPOSITORY = "team/app";
  private static final byte[] BYTES = new byte[300_000];

  static {
    new SplittableRandom(7).nextBytes(BYTES);
  }

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir private Path directory;

  @Test
  void servesWholeBlobsAndRanges_andCounts() throws Exception {
    try (var registry = FaultyRegistry.start()) {
      String digest = registry.putBlob(REPOSITORY, BYTES);
      assertThat(read(registry, digest, null).body()).isEqualTo(BYTES);
      var part = read(registry, digest, "bytes=1000-1999");
      assertThat(part.statusCode()).isEqualTo(206);
      assertThat(part.headers().firstValue("Content-Range")).hasValue("bytes 1000-1999/300000");
      assertThat(part.body()).isEqualTo(Arrays.copyOfRange(BYTES, 1000, 2000));
      assertThat(read(registry, digest, "bytes=299990-400000").body()).hasSize(10);
      assertThat(read(registry, digest, "bytes=-5").body())
          .isEqualTo(Arrays.copyOfRange(BYTES, 299_995, 300_000));
      assertThat(read(registry, digest, "bytes=300000-").statusCode()).isEqualTo(416);
      assertThat(registry.counters().requests()).isEqualTo(5);
      assertThat(registry.counters().bytesSent()).isGreaterThan(301_015);
      assertThat(registry.counters().connections()).isEqualTo(1);
      assertThat(registry.log().get(1).range()).isEqualTo("bytes=1000-1999");
      assertThat(registry.log()).allMatch(LoggedRequest::isBlobRead);
    }
  }

  @Test
  void aBlobIsSeenOnlyInItsRepository() throws Exception {
    try (var registry = FaultyRegistry.start()) {
      String digest = registry.putBlob("other/place", BYTES);
      assertThat(read(registry, digest, null).statusCode()).isEqualTo(404);
      var mounted =
          send(
              registry,
              "/v2/" + REPOSITORY + "/blobs/uploads/?mount=" + digest + "&from=other/place",
              "POST",
              new byte[0]);
      assertThat(mounted.statusCode()).isEqualTo(201);
      assertThat(read(registry, digest, null).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void takesPushesInOnePieceAndInChunks_inMemoryAndInADirectory() throws Exception {
    for (var builder :
        new FaultyRegistry.Builder[] {
          FaultyRegistry.with(), FaultyRegistry.with().directory(directory).relativeLocations()
        }) {
      try (var registry = builder.start()) {
        String digest = push(registry, BYTES, 70_000);
        assertThat(registry.blob(digest)).isEqualTo(BYTES);
        push(registry, new byte[0], 1);
        push(registry, BYTES, BYTES.length);
        String manifest = "{\"config\":{\"digest\":\"%s\"}}".formatted(digest);
        String path = "/v2/" + REPOSITORY + "/manifests/v1";
        assertThat(send(registry, path, "PUT", utf8(manifest)).statusCode()).isEqualTo(201);
        assertThat(send(registry, path, "GET", null).body()).isEqualTo(utf8(manifest));
        String missing = manifest.replace(digest.substring(60), "0".repeat(digest.length() - 60));
        assertThat(send(registry, path, "PUT", utf8(missing)).statusCode()).isEqualTo(400);
        String list =
            new String(
                send(registry, "/v2/" + REPOSITORY + "/tags/list", "GET", null).body(),
                StandardCharsets.UTF_8);
        assertThat(list).contains("\"v1\"");
      }
    }
    assertThat(Files.list(directory.resolve("blobs/sha256"))).hasSize(2);
  }

  @Test
  void listsTagsByPages() throws Exception {
    try (var registry = FaultyRegistry.start()) {
      for (String tag : new String[] {"a", "b", "c"}) {
        registry.putManifest(REPOSITORY, tag, "x/y", utf8("{}"));
      }
      var page = send(registry, "/v2/" + REPOSITORY + "/tags/list?n=2", "GET", null);
      assertThat(new String(page.body(), StandardCharsets.UTF_8)).contains("[\"a\",\"b\"]");
      assertThat(page.headers().firstValue("Link"))
          .hasValue("</v2/team/app/tags/list?n=2&last=b>; rel=\"next\"");
    }
  }

  @Test
  void faultsOfTheAnswerComeAsOrderedAndAsOftenAsOrdered() throws Exception {
    try (var registry = FaultyRegistry.start()) {
      String digest = registry.putBlob(REPOSITORY, BYTES);
      String range = "bytes=1000-1999";
      byte[] right = Arrays.copyOfRange(BYTES, 1000, 2000);

      registry.fault(2, Call::isBlobRead, Fault.Status.retryAfter(429, Duration.ofSeconds(3)));
      var refused = read(registry, digest, range);
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(refused.headers().firstValue("Retry-After")).hasValue("3");
      assertThat(read(registry, digest, range).statusCode()).isEqualTo(429);
      assertThat(read(registry, digest, range).body()).isEqualTo(right);

      registry.fault(1, Call::isBlobRead, new Fault.WrongBytes(10, 1));
      byte[] wrong = read(registry, digest, range).body();
      assertThat(Arrays.mismatch(wrong, right)).isEqualTo(10);
      assertThat(Arrays.mismatch(wrong, 11, 1000, right, 11, 1000)).isEqualTo(-1);

      registry.fault(1, Call::isBlobRead, new Fault.IgnoredRange());
      assertThat(read(registry, digest, range).statusCode()).isEqualTo(200);

      registry.fault(1, Call::isBlobRead, new Fault.ShiftedRange(8));
      var shifted = read(registry, digest, range);
      assertThat(shifted.headers().firstValue("Content-Range")).hasValue("bytes 1008-2007/300000");
      assertThat(shifted.body()).isEqualTo(Arrays.copyOfRange(BYTES, 1008, 2008));

      registry.fault(1, Call::isBlobRead, new Fault.NoContentRange());
      assertThat(read(registry, digest, range).headers().firstValue("Content-Range")).isEmpty();

      registry.fault(1, Call::isBlobRead, new Fault.Empty());
      assertThat(read(registry, digest, range).body()).isEmpty();

      registry.fault(1, Call::isBlobRead, new Fault.Gzipped());
      var packed = read(registry, digest, range);
      assertThat(packed.headers().firstValue("Content-Encoding")).hasValue("gzip");
      assertThat(new GZIPInputStream(new ByteArrayInputStream(packed.body())).readAllBytes())
          .isEqualTo(BYTES);

      registry.fault(1, Call::isBlobRead, new Fault.Multipart());
      assertThat(read(registry, digest, range).headers().firstValue("Content-Type").orElseThrow())
          .startsWith("multipart/byteranges");

      for (Fault framing :
          new Fault[] {
            new Fault.Http10(),
            new Fault.NoLength(),
            new Fault.Chunked(),
            new Fault.Trickled(20_000),
            new Fault.Delay(Duration.ofMillis(20))
          }) {
        registry.fault(1, call -> call.attempt() > 2, framing);
        assertThat(read(registry, digest, range).body()).as("%s", framing).isEqualTo(right);
      }
      registry.fault(Call::isBlobRead, new Fault.Status(500));
      assertThat(read(registry, digest, range).statusCode()).isEqualTo(500);
      registry.clearFaults();
      assertThat(read(registry, digest, range).statusCode()).isEqualTo(206);
    }
  }

  @Test
  void faultsOfTheConnectionBreakItWhereOrdered() throws Exception {
    try (var registry = FaultyRegistry.start()) {
      String digest = registry.putBlob(REPOSITORY, BYTES);
      registry.fault(1, Call::isBlobRead, new Fault.Truncated(1234));
      assertThat(rawBody(registry, digest)).isEqualTo(Arrays.copyOf(BYTES, 1234));
      registry.fault(1, Call::isBlobRead, new Fault.Dropped());
      assertThat(raw(registry, digest)).isEmpty();
      registry.fault(1, Call::isBlobRead, new Fault.Garbage("SSH-2.0-x\r\n"));
      assertThat(raw(registry, digest)).isEqualTo(utf8("SSH-2.0-x\r\n"));
      registry.fault(1, Call::isBlobRead, new Fault.Reset(1234));
      assertThatThrownBy(() -> raw(registry, digest)).isInstanceOf(IOException.class);
      registry.fault(1, Call::isBlobRead, new Fault.TooLong(3));
      assertThat(rawBody(registry, digest)).hasSize(BYTES.length + 3);
      registry.fault(1, Call::isBlobRead, new Fault.EndlessHead());
      assertThatThrownBy(() -> read(registry, digest, null)).isInstanceOf(IOException.class);
      registry.down();
      assertThatThrownBy(() -> read(registry, digest, null)).isInstanceOf(IOException.class);
      registry.up();
      assertThat(read(registry, digest, null).body()).isEqualTo(BYTES);
    }
  }

  @Test
  void aStalledAnswerStaysOpenUntilTheClientLeaves() throws Exception {
    try (var registry = FaultyRegistry.start()) {
      String digest = registry.putBlob(REPOSITORY, BYTES);
      registry.fault(1, Call::isBlobRead, new Fault.Stalled(10));
      try (var socket = ask(registry, digest)) {
        var in = new HttpInput(socket.getInputStream());
        in.startLine();
        in.headers();
        assertThat(in.rest().readNBytes(10)).isEqualTo(Arrays.copyOf(BYTES, 10));
        socket.setSoTimeout(200);
        assertThatThrownBy(() -> in.rest().read())
            .isInstanceOf(java.net.SocketTimeoutException.class);
        assertThat(registry.log()).isEmpty();
      }
      assertThat(read(registry, digest, "bytes=0-0").statusCode()).isEqualTo(206);
      assertThat(registry.counters().maxInFlight()).isBetween(1, 2);
    }
  }

  @Test
  void redirectsToASecondOriginWithAnUrlThatExpires() throws Exception {
    try (var registry = FaultyRegistry.with().redirectBlobs(Duration.ofSeconds(1)).start()) {
      String digest = registry.putBlob(REPOSITORY, BYTES);
      var redirect = read(registry, digest, "bytes=0-9");
      assertThat(redirect.statusCode()).isEqualTo(307);
      URI url = URI.create(redirect.headers().firstValue("Location").orElseThrow());
      assertThat(url.getAuthority()).isEqualTo(registry.cdnHost());
      var follow = HttpRequest.newBuilder(url).header("Range", "bytes=0-9");
      assertThat(http.send(follow.build(), BodyHandlers.ofByteArray()).body())
          .isEqualTo(Arrays.copyOf(BYTES, 10));
      var withToken = follow.copy().header("Authorization", "Bearer x").build();
      assertThat(http.send(withToken, BodyHandlers.discarding()).statusCode()).isEqualTo(400);
      Thread.sleep(1_050);
      assertThat(http.send(follow.build(), BodyHandlers.discarding()).statusCode()).isEqualTo(403);
      assertThat(registry.log()).extracting(LoggedRequest::origin).contains("registry", "cdn");
    }
  }

  @Test
  void tokensAreGivenCheckedAndForgotten() throws Exception {
    for (Auth.Dialect dialect : Auth.Dialect.values()) {
      var auth = new Auth.Bearer("me", "pw", Duration.ofMinutes(5), false, dialect);
      try (var registry = FaultyRegistry.with().auth(auth).start()) {
        String digest = registry.putBlob(REPOSITORY, BYTES);
        var refused = read(registry, digest, null);
        assertThat(refused.statusCode()).isEqualTo(401);
        assertThat(refused.headers().firstValue("WWW-Authenticate").orElseThrow())
            .contains("http://" + registry.host() + "/token");
        URI uri = registry.uri().resolve("/token?service=obd-test&scope=repository:team/app:pull");
        assertThat(get(uri, null).statusCode()).isEqualTo(401);
        var given = get(uri, "Basic " + Base64.getEncoder().encodeToString(utf8("me:pw")));
        var json = JsonParser.parseString(given.body()).getAsJsonObject();
        String name = dialect == Auth.Dialect.ACCESS_TOKEN ? "access_token" : "token";
        String token = "Bearer " + json.get(name).getAsString();
        URI blob = registry.uri().resolve("/v2/" + REPOSITORY + "/blobs/" + digest);
        assertThat(get(blob, token).statusCode()).isEqualTo(200);
        assertThat(get(registry.uri().resolve("/v2/other/blobs/" + digest), token).statusCode())
            .isEqualTo(401);
        registry.revokeTokens();
        assertThat(get(blob, token).statusCode()).isEqualTo(401);
      }
    }
  }

  @Test
  void theLinkIsSharedAndNeverFasterThanSaid() throws Exception {
    var profile = Profile.link(Duration.ofMillis(30), 1_000_000).withConnectLatency(Duration.ZERO);
    try (var registry = FaultyRegistry.with().profile(profile).start();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      String digest = registry.putBlob(REPOSITORY, BYTES);
      long start = System.nanoTime();
      var first = threads.submit(() -> read(registry, digest, "bytes=0-149999").body());
      var second = threads.submit(() -> read(registry, digest, "bytes=150000-299999").body());
      assertThat(first.get()).isEqualTo(Arrays.copyOf(BYTES, 150_000));
      assertThat(second.get()).isEqualTo(Arrays.copyOfRange(BYTES, 150_000, 300_000));
      assertThat(System.nanoTime() - start).isGreaterThan(325_000_000L);
      assertThat(registry.counters().maxInFlight()).isEqualTo(2);
    }
  }

  @Test
  void aFlakyHostFailsTheSameWayForTheSameSeed() throws Exception {
    var half = new Profile(Duration.ZERO, Duration.ZERO, 0, 0, 0.5, 0, Duration.ZERO);
    var runs = new java.util.ArrayList<String>();
    for (int run = 0; run < 2; run++) {
      try (var registry = FaultyRegistry.with().profile(half).seed(5).start()) {
        String digest = registry.putBlob(REPOSITORY, BYTES);
        var statuses = new StringBuilder();
        for (int i = 0; i < 20; i++) {
          statuses.append(read(registry, digest, "bytes=0-0").statusCode()).append(' ');
        }
        runs.add(statuses.toString());
      }
    }
    assertThat(runs.getFirst()).isEqualTo(runs.getLast()).contains("503").contains("206");
  }

  @Test
  void skopeoPushesAndPullsAnImage() throws Exception {
    Tools.requireOnPath("skopeo", "umoci");
    Path layout = directory.resolve("layout");
    Processes.run("umoci", "init", "--layout", layout.toString());
    Processes.run("umoci", "new", "--image", layout + ":v1");
    try (var registry = FaultyRegistry.start()) {
      registry.putLayout("from/layout", layout);
      String there = "docker://" + registry.host();
      String insecure = "--insecure-policy";
      Processes.run(
          "skopeo",
          insecure,
          "copy",
          "--src-tls-verify=false",
          "--dest-tls-verify=false",
          there + "/from/layout:v1",
          there + "/" + REPOSITORY + ":v2");
      Path back = directory.resolve("back");
      Processes.run(
          "skopeo",
          insecure,
          "copy",
          "--src-tls-verify=false",
          there + "/" + REPOSITORY + ":v2",
          "oci:" + back + ":v3");
      assertThat(back.resolve("index.json")).exists();
      assertThat(registry.manifest(REPOSITORY, "v2"))
          .isEqualTo(registry.manifest("from/layout", "v1"));
    }
  }

  private HttpResponse<byte[]> read(FaultyRegistry registry, String digest, String range)
      throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(registry.uri().resolve("/v2/" + REPOSITORY + "/blobs/" + digest));
    if (range != null) {
      request.header("Range", range);
    }
    return http.send(request.build(), BodyHandlers.ofByteArray());
  }

  private HttpResponse<String> get(URI uri, String authorization)
      throws IOException, InterruptedException {
    var request = HttpRequest.newBuilder(uri);
    if (authorization != null) {
      request.header("Authorization", authorization);
    }
    return http.send(request.build(), BodyHandlers.ofString());
  }

  private HttpResponse<byte[]> send(
      FaultyRegistry registry, String path, String method, byte[] body)
      throws IOException, InterruptedException {
    var publisher = body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body);
    return http.send(
        HttpRequest.newBuilder(registry.uri().resolve(path)).method(method, publisher).build(),
        BodyHandlers.ofByteArray());
  }

  private String push(FaultyRegistry registry, byte[] bytes, int chunk)
      throws IOException, InterruptedException {
    String digest = Store.digest(bytes);
    var reply = send(registry, "/v2/" + REPOSITORY + "/blobs/uploads/", "POST", new byte[0]);
    for (int at = 0; at < bytes.length; at += chunk) {
      assertThat(reply.statusCode()).isEqualTo(202);
      byte[] part = Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + chunk));
      reply = send(registry, reply.headers().firstValue("Location").orElseThrow(), "PATCH", part);
    }
    String location = reply.headers().firstValue("Location").orElseThrow();
    reply = send(registry, location + "&digest=" + digest, "PUT", new byte[0]);
    assertThat(reply.statusCode()).isEqualTo(201);
    return digest;
  }

  private static Socket ask(FaultyRegistry registry, String digest) throws IOException {
    var socket = new Socket("127.0.0.1", registry.uri().getPort());
    socket
        .getOutputStream()
        .write(utf8("GET /v2/" + REPOSITORY + "/blobs/" + digest + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    return socket;
  }

  private static byte[] raw(FaultyRegistry registry, String digest) throws IOException {
    try (var socket = ask(registry, digest)) {
      return socket.getInputStream().readAllBytes();
    }
  }

  private static byte[] rawBody(FaultyRegistry registry, String digest) throws IOException {
    try (var socket = ask(registry, digest)) {
      var in = new HttpInput(socket.getInputStream());
      in.startLine();
      in.headers();
      return in.rest().readAllBytes();
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
