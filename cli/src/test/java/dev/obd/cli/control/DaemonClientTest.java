package dev.obd.cli.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import dev.obd.backstore.admin.AdminException;
import dev.obd.backstore.admin.AdminServer;
import dev.obd.backstore.admin.Answer;
import dev.obd.backstore.admin.Route;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DaemonClientTest {
  private Path directory;
  private Path socket;

  @BeforeEach
  void makeDirectory() throws IOException {
    directory = Files.createTempDirectory(Path.of("/tmp"), "obd-client-");
    socket = directory.resolve("s");
  }

  @AfterEach
  void removeDirectory() throws IOException {
    Files.deleteIfExists(socket);
    Files.delete(directory);
  }

  @Test
  void asksAndIsAnswered() throws Exception {
    var routes =
        List.of(
            new Route(
                "POST",
                "/v1/x/{name}",
                asked -> Answer.json(Map.of("name", asked.variable("name"), "body", asked.body()))),
            new Route(
                "GET",
                "/v1/refused",
                _ -> {
                  throw new AdminException(409, "busy", "in use by 7", "detach with --force");
                }));
    try (var _ = AdminServer.unix(socket, Optional.empty(), routes);
        DaemonClient client = new DaemonClient(socket)) {
      JsonObject answer =
          client.send("POST", DaemonClient.path("/v1/x/", "ä b/c+d"), Map.of("k", "ü"));
      assertThat(answer.get("name").getAsString()).isEqualTo("ä b/c+d");
      assertThat(answer.get("body").getAsString()).isEqualTo("{\"k\":\"ü\"}");
      assertThatThrownBy(() -> client.get("/v1/refused"))
          .isInstanceOfSatisfying(
              DaemonException.class,
              e -> {
                assertThat(e.status()).isEqualTo(409);
                assertThat(e.error()).isEqualTo("busy");
                assertThat(e).hasMessage("in use by 7 (detach with --force)");
              });
    }
  }

  @Test
  void nobodyThereIsToldWithWhatToDo() {
    assertThatThrownBy(() -> new DaemonClient(socket).get("/v1/status"))
        .isInstanceOf(NoDaemonException.class)
        .hasMessageContaining("obd daemon");
  }

  @Test
  void aServerThatIsNoDaemonIsAnErrorAndNotAnEndlessRead() throws Exception {
    for (String said : List.of("", "hello", "HTTP/1.1 200 OK\r\n\r\nhello", "x".repeat(100_000))) {
      try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        server.bind(UnixDomainSocketAddress.of(socket));
        var thread =
            new Thread(() -> {
              try (SocketChannel peer = server.accept()) {
                peer.read(ByteBuffer.allocate(4096));
                peer.write(ByteBuffer.wrap(said.getBytes(StandardCharsets.UTF_8)));
              } catch (IOException e) {
                // it hung up on us
              }
            });
        thread.start();
        assertThatThrownBy(() -> new DaemonClient(socket).get("/v1/status"))
            .isInstanceOf(IOException.class)
            .isNotInstanceOf(NoDaemonException.class);
        thread.join();
      }
      Files.delete(socket);
    }
  }

  @Test
  void closingEndsACallThatWaits() throws Exception {
    var entered = new CountDownLatch(1);
    var gone = new CountDownLatch(1);
    var routes =
        List.of(
            new Route(
                "GET",
                "/v1/slow",
                asked -> {
                  entered.countDown();
                  while (!asked.client().isGone()) {
                    Thread.onSpinWait();
                  }
                  gone.countDown();
                  return Answer.json(Map.of());
                }));
    var failure = new AtomicReference<Throwable>();
    DaemonClient client = new DaemonClient(socket);
    try (var _ = AdminServer.unix(socket, Optional.empty(), routes)) {
      var thread =
          new Thread(() -> {
            try {
              client.get("/v1/slow");
            } catch (Throwable e) {
              failure.set(e);
            }
          });
      thread.start();
      entered.await();
      client.close();
      thread.join();
      gone.await();
      assertThat(failure.get()).isInstanceOf(IOException.class);
    }
  }
}
