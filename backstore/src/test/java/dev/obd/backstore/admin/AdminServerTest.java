package dev.obd.backstore.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A real socket, curl, and clients that do not behave. */
@Timeout(120)
class AdminServerTest {
  private static final AdminLimits LIMITS =
      new AdminLimits(8, 4 << 10, 8 << 10, Duration.ofSeconds(1), Duration.ofSeconds(2));

  private final CountDownLatch release = new CountDownLatch(1);
  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch abandoned = new CountDownLatch(1);
  private final AtomicBoolean onEventLoop = new AtomicBoolean();
  private Path directory;
  private Path socket;
  private AdminServer server;

  @BeforeEach
  void start() throws Exception {
    directory = Files.createTempDirectory(Path.of("/tmp"), "obd-admin-");
    socket = directory.resolve("s");
    server = AdminServer.unix(socket, Optional.empty(), routes(), LIMITS);
  }

  @AfterEach
  void stop() throws Exception {
    release.countDown();
    server.close();
    assertThat(socket).doesNotExist();
    Files.delete(directory);
  }

  private List<Route> routes() {
    return List.of(
        new Route(
            "GET",
            "/v1/hello",
            asked -> {
              onEventLoop.set(Thread.currentThread().getName().startsWith("obd-net"));
              return Answer.json(
                  new Hello(asked.parameter("who").orElse("world"), asked.isSet("loud")));
            }),
        new Route(
            "POST",
            "/v1/things/{name}",
            asked -> {
              Hello hello = JsonText.parse(asked.body(), Hello.class);
              return Answer.json(
                  201, new Hello(asked.variable("name") + ":" + hello.who, hello.loud));
            }),
        new Route(
            "GET",
            "/v1/slow",
            asked -> {
              entered.countDown();
              while (!release.await(5, java.util.concurrent.TimeUnit.MILLISECONDS)) {
                if (asked.client().isGone()) {
                  abandoned.countDown();
                  break;
                }
              }
              return Answer.json(new Hello("slow", false));
            }),
        new Route(
            "GET",
            "/v1/broken",
            asked -> {
              throw new IOException("the disk is on fire");
            }),
        new Route(
            "GET",
            "/v1/bug",
            asked -> {
              throw new IllegalStateException("never");
            }));
  }

  private record Hello(String who, boolean loud) {}

  private JsonObject curl(String... arguments) throws Exception {
    Tools.requireOnPath("curl");
    List<String> command =
        new ArrayList<>(List.of("curl", "-sS", "--max-time", "20", "--unix-socket", socket + ""));
    command.addAll(List.of(arguments));
    var run = Processes.run(Duration.ofSeconds(30), null, command);
    assertThat(run.exit()).as(run.errors()).isZero();
    return JsonParser.parseString(run.text()).getAsJsonObject();
  }

  @Test
  void onlyTheOwnerMayConnect() throws IOException {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
        .isEqualTo("rw-------");
  }

  @Test
  void aGroupMayBeLetIn() throws Exception {
    Path other = directory.resolve("g");
    String group =
        Files.getFileAttributeView(directory, java.nio.file.attribute.PosixFileAttributeView.class)
            .readAttributes()
            .group()
            .getName();
    try (var _ = AdminServer.unix(other, Optional.of(group), routes())) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(other)))
          .isEqualTo("rw-rw----");
    }
  }

  @Test
  void curlIsAnswered() throws Exception {
    assertThat(curl("http://obd/v1/hello?who=J%C3%B6rg%2B+x&loud").toString())
        .isEqualTo("{\"who\":\"Jörg+ x\",\"loud\":true}");
    assertThat(onEventLoop).isFalse();
    JsonObject made = curl("-d", "{\"who\":\"a\",\"loud\":false}", "http://obd/v1/things/x%2Fy+z");
    assertThat(made.get("who").getAsString()).isEqualTo("x/y+z:a");
  }

  @Test
  void failuresAreDocumentsWithAWordForPrograms() throws Exception {
    assertThat(curl("http://obd/v1/nothing").get("error").getAsString()).isEqualTo("no-such-path");
    assertThat(curl("-X", "DELETE", "http://obd/v1/hello").get("error").getAsString())
        .isEqualTo("bad-method");
    assertThat(curl("-d", "{", "http://obd/v1/things/x").get("error").getAsString())
        .isEqualTo("bad-json");
    assertThat(curl("http://obd/v1/hello?loud=perhaps").get("message").getAsString())
        .contains("perhaps");
    assertThat(curl("http://obd/v1/hello?who=%zz").get("error").getAsString())
        .isEqualTo("bad-request");
    assertThat(curl("http://obd/v1/broken").get("message").getAsString())
        .isEqualTo("the disk is on fire");
    assertThat(curl("http://obd/v1/bug").get("error").getAsString()).isEqualTo("internal");
    assertThat(curl("-d", "x".repeat(9 << 10), "http://obd/v1/things/x").get("error").getAsString())
        .isEqualTo("too-large");
    assertThat(
            curl("-H", "X: " + "x".repeat(5 << 10), "http://obd/v1/hello")
                .get("error")
                .getAsString())
        .isEqualTo("bad-request");
  }

  @Test
  void aSlowAnswerHoldsUpNobody() throws Exception {
    var slow =
        new Thread(() -> {
          try {
            raw("GET /v1/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        });
    slow.start();
    entered.await();
    assertThat(curl("http://obd/v1/hello").get("who").getAsString()).isEqualTo("world");
    release.countDown();
    slow.join();
  }

  @Test
  void whoeverAnswersLearnsThatTheClientIsGone() throws Exception {
    try (SocketChannel client = connect()) {
      send(client, "GET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n");
      entered.await();
    }
    abandoned.await();
  }

  @Test
  void requestsSentAheadAreAnsweredInOrder() throws Exception {
    String one = "GET /v1/hello?who=1 HTTP/1.1\r\nHost: x\r\n\r\n";
    String text =
        raw(
            one
                + one.replace('1', '1').replace("who=1", "who=2")
                + one.replace("who=1", "who=3")
                    .replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    assertThat(text.replaceAll("(?s)[^{]*\\{\"who\":\"(.)\"[^}]*\\}", "$1").strip())
        .isEqualTo("123");
  }

  @Test
  void aClientThatSendsTooMuchAheadIsDropped() throws Exception {
    String text = raw("GET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20));
    assertThat(text).isEmpty();
  }

  @Test
  void aClientThatDawdlesIsDropped() throws Exception {
    try (SocketChannel client = connect()) {
      send(client, "GET /v1/hello HT");
      assertThat(drain(client)).isEmpty();
    }
    try (SocketChannel client = connect()) {
      assertThat(drain(client)).isEmpty();
    }
  }

  @Test
  void tooManyClientsAreTurnedAway() throws Exception {
    List<SocketChannel> clients = new ArrayList<>();
    try {
      for (int i = 0; i < 12; i++) {
        clients.add(connect());
      }
      assertThat(drain(clients.getLast())).isEmpty();
    } finally {
      for (SocketChannel client : clients) {
        client.close();
      }
    }
    awaitAnswer();
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, 3, System.nanoTime());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void garbageIsRefusedAndForgotten(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    byte[] good =
        "POST /v1/things/a HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\nConnection: close\r\n\r\n{\"who\":\"x\",\"loud\":false}"
            .getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 100; i++) {
      byte[] bytes;
      if (random.nextInt(3) == 0) {
        bytes = new byte[random.nextInt(1, 20_000)];
        random.nextBytes(bytes);
      } else {
        bytes = good.clone();
        for (int change = random.nextInt(1, 6); change > 0; change--) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
      }
      try (SocketChannel client = connect()) {
        ByteBuffer out = ByteBuffer.wrap(bytes, 0, random.nextInt(1, bytes.length + 1));
        client.write(out);
        if (random.nextBoolean()) {
          client.shutdownOutput();
          drain(client);
        }
      } catch (IOException e) {
        // dropped while we were writing: as good an answer as any
      }
    }
    awaitAnswer();
  }

  /** The places of clients that have just gone may take a moment to become free. */
  private void awaitAnswer() throws Exception {
    String text = "";
    for (int i = 0; i < 400 && text.isEmpty(); i++) {
      try {
        text = raw("GET /v1/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      } catch (IOException e) {
        java.util.concurrent.TimeUnit.MILLISECONDS.sleep(25);
      }
    }
    assertThat(text).contains("\"world\"");
  }

  private SocketChannel connect() throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(socket));
    return channel;
  }

  private static void send(SocketChannel channel, String text) throws IOException {
    Channels.newOutputStream(channel).write(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String drain(SocketChannel channel) {
    var out = new ByteArrayOutputStream();
    try {
      Channels.newInputStream(channel).transferTo(out);
    } catch (IOException e) {
      // reset: the end, too
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  private String raw(String request) throws IOException {
    try (SocketChannel channel = connect()) {
      send(channel, request);
      return drain(channel);
    }
  }
}
