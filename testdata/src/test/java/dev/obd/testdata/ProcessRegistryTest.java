package dev.obd.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 600, unit = TimeUnit.SECONDS)
class ProcessRegistryTest {
  private static final String BASIC =
      "Basic "
          + Base64.getEncoder()
              .encodeToString(
                  (ProcessRegistry.USER + ":" + ProcessRegistry.PASSWORD)
                      .getBytes(StandardCharsets.UTF_8));

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @BeforeEach
  void needsTheProgram() {
    ProcessRegistry.assumeAvailable();
  }

  @Test
  void storesBlobsAndLogsTheRangesThatAreRead() throws Exception {
    try (var registry = ProcessRegistry.start()) {
      byte[] bytes = "0123456789".repeat(20_000).getBytes(StandardCharsets.US_ASCII);
      String digest = push(registry, bytes, null);
      var read =
          http.send(
              HttpRequest.newBuilder(registry.uri().resolve("/v2/a/b/blobs/" + digest))
                  .header("Range", "bytes=100000-100009")
                  .build(),
              BodyHandlers.ofString());
      assertThat(read.statusCode()).isEqualTo(206);
      assertThat(read.body()).isEqualTo("0123456789");
      assertThat(registry.log().getLast())
          .satisfies(r -> {
            assertThat(r.isBlobRead()).isTrue();
            assertThat(r.range()).isEqualTo("bytes=100000-100009");
            assertThat(r.status()).isEqualTo(206);
            assertThat(r.bytesSent()).isEqualTo(10);
          });
      assertThat(Files.size(registry.blobFile(digest))).isEqualTo(bytes.length);

      registry.restart();
      assertThat(status(registry.uri().resolve("/v2/a/b/blobs/" + digest), null)).isEqualTo(200);
      registry.clearLog();
      assertThat(registry.log()).isEmpty();
    }
  }

  @Test
  void basicAuthenticationLetsTheOneUserIn() throws Exception {
    try (var registry = ProcessRegistry.with().basicAuth().start()) {
      URI v2 = registry.uri().resolve("/v2/");
      assertThat(status(v2, null)).isEqualTo(401);
      assertThat(status(v2, BASIC)).isEqualTo(200);
      push(registry, new byte[] {1, 2, 3}, BASIC);
    }
  }

  @Test
  void tokensGrantPullToAnyoneAndPushToTheUser_andExpire() throws Exception {
    try (var registry = ProcessRegistry.with().tokenAuth(Duration.ofSeconds(2)).start()) {
      String user = "Bearer " + token(registry, "repository:a/b:pull,push", BASIC);
      String digest = push(registry, new byte[] {1, 2, 3}, user);
      URI blob = registry.uri().resolve("/v2/a/b/blobs/" + digest);
      assertThat(status(blob, null)).isEqualTo(401);
      String anyone = "Bearer " + token(registry, "repository:a/b:pull,push", null);
      assertThat(status(blob, anyone)).isEqualTo(200);
      HttpResponse<String> upload =
          http.send(
              request(registry.uri().resolve("/v2/a/b/blobs/uploads/"), anyone)
                  .POST(BodyPublishers.noBody())
                  .build(),
              BodyHandlers.ofString());
      assertThat(upload.statusCode()).isEqualTo(401);
      Thread.sleep(3_100);
      assertThat(status(blob, anyone)).isEqualTo(401);
      assertThat(registry.tokenLog()).hasSize(2);
    }
  }

  private String token(ProcessRegistry registry, String scope, String authorization)
      throws Exception {
    var challenge =
        http.send(request(registry.uri().resolve("/v2/"), null).build(), BodyHandlers.ofString())
            .headers()
            .firstValue("WWW-Authenticate")
            .orElseThrow();
    var realm = challenge.replaceAll(".*realm=\"([^\"]*)\".*", "$1");
    var service = challenge.replaceAll(".*service=\"([^\"]*)\".*", "$1");
    URI uri =
        URI.create(
            realm
                + "?service="
                + service
                + "&scope="
                + URLEncoder.encode(scope, StandardCharsets.UTF_8));
    var reply = http.send(request(uri, authorization).build(), BodyHandlers.ofString());
    return JsonParser.parseString(reply.body()).getAsJsonObject().get("token").getAsString();
  }

  private int status(URI uri, String authorization) throws IOException, InterruptedException {
    return http.send(request(uri, authorization).build(), BodyHandlers.discarding()).statusCode();
  }

  private static HttpRequest.Builder request(URI uri, String authorization) {
    var request = HttpRequest.newBuilder(uri);
    return authorization == null ? request : request.header("Authorization", authorization);
  }

  private String push(ProcessRegistry registry, byte[] bytes, String authorization)
      throws Exception {
    String digest =
        "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    var started =
        http.send(
            request(registry.uri().resolve("/v2/a/b/blobs/uploads/"), authorization)
                .POST(BodyPublishers.noBody())
                .build(),
            BodyHandlers.ofString());
    assertThat(started.statusCode()).isEqualTo(202);
    String location = started.headers().firstValue("Location").orElseThrow();
    assertThat(location).startsWith(registry.uri().toString());
    var done =
        http.send(
            request(URI.create(location + "&digest=" + digest), authorization)
                .PUT(BodyPublishers.ofByteArray(bytes))
                .build(),
            BodyHandlers.ofString());
    assertThat(done.statusCode()).as(done.body()).isEqualTo(201);
    return digest;
  }
}
