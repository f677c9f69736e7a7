package dev.obd.registry.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import dev.obd.registry.auth.CredentialProvider.Target;
import dev.obd.registry.tls.Certificates;
import dev.obd.registry.tls.TlsOptions;
import dev.obd.registry.tls.Trust;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Services that answer for credentials, and those that do not. */
@Timeout(60)
class CredentialServiceTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final URI BLOB =
      URI.create("https://reg.example:5000/v2/team/app/blobs/sha256:" + "a".repeat(64));
  private static final Target TARGET =
      new Target("reg.example:5000", "reg.example:5000", "team/app", BLOB);
  private static final String ANSWER =
      """
      {"traceId":"t","success":true,"data":{"auths":{
        "reg.example:5000/te":{"username":"no","password":"0"},
        "reg.example:5000":{"username":"first","password":"p:1"},
        "reg.example:5000/team/app":{"username":"second","password":"2"}}}}\
      """;

  @TempDir Path directory;

  private final BlockingQueue<String> asked = new LinkedBlockingQueue<>();
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : open) {
      each.close();
    }
  }

  private void start(HttpServer server, int status, String answer) {
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            asked.add(exchange.getRequestURI().toString());
            byte[] body = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, 0); // chunked
            exchange.getResponseBody().write(body);
          }
        });
    server.start();
    open.add(() -> server.stop(0));
  }

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private String http(int status, String answer) throws IOException {
    HttpServer server = HttpServer.create(anyPort(), 0);
    start(server, status, answer);
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/cred";
  }

  private static Credential ask(CredentialMode mode, String path, Duration timeout)
      throws IOException {
    return CredentialProviders.of(
            mode, path, timeout, Optional.empty(), Optional.empty(), Optional.empty())
        .find(TARGET);
  }

  /** Serves one unix socket with {@code answer}, byte by byte as it is written. */
  private Path unix(Service service) throws IOException {
    Path path = directory.resolve("cred.sock");
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path), 1);
    open.add(server);
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          while (server.isOpen()) {
            try (SocketChannel client = server.accept()) {
              service.serve(Channels.newInputStream(client), Channels.newOutputStream(client));
            } catch (IOException e) {
              // The client went away, or the test is over.
            }
          }
        });
    return path;
  }

  private interface Service {
    void serve(InputStream in, OutputStream out) throws IOException;
  }

  private static String head(InputStream in) throws IOException {
    var text = new StringBuilder();
    while (!text.toString().endsWith("\r\n\r\n")) {
      int c = in.read();
      if (c < 0) {
        throw new IOException("no request");
      }
      text.append((char) c);
    }
    return text.toString();
  }

  @Test
  void theUrlIsAskedForUnescapedAndTheFirstEntryThatMatchesWins() throws Exception {
    assertThat(ask(CredentialMode.HTTP, http(200, ANSWER), LONG))
        .isEqualTo(new Credential.UserPassword("first", "p:1"));
    assertThat(asked.poll(1, TimeUnit.SECONDS)).isEqualTo("/cred?remote_url=" + BLOB);
  }

  @Test
  void anAnswerWithoutAnEntryForUsIsNobody() throws IOException {
    String nobody = "{\"success\":true,\"data\":{\"auths\":{\"other\":{\"auth\":\"eDp5\"}}}}";
    assertThat(ask(CredentialMode.HTTP, http(200, nobody), LONG)).isEqualTo(Credential.ANONYMOUS);
  }

  @Test
  void wrongAnswersAreFailuresThatNameTheServiceAndTellNoSecret() throws IOException {
    record Wrong(int status, String answer, String why) {}
    for (Wrong wrong :
        List.of(
            new Wrong(500, ANSWER, "500"),
            new Wrong(302, ANSWER, "302"),
            new Wrong(200, ANSWER.replace("true", "false"), "success"),
            new Wrong(200, ANSWER.replace("true", "1"), "success"),
            new Wrong(200, "{\"success\":true}", "data"),
            new Wrong(200, "[]", "JSON"),
            new Wrong(200, "", "JSON"),
            new Wrong(200, " ".repeat((1 << 20) + 1), "at most"))) {
      String url = http(wrong.status, wrong.answer);
      assertThatThrownBy(() -> ask(CredentialMode.HTTP, url, LONG))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(url)
          .hasMessageContaining(wrong.why)
          .hasMessageNotContaining("p:1");
    }
  }

  @Test
  void aServiceThatIsNotThereIsNamed() throws IOException {
    int port;
    try (var taken = new ServerSocket(0)) {
      port = taken.getLocalPort();
    }
    assertThatThrownBy(() -> ask(CredentialMode.HTTP, "http://127.0.0.1:" + port + "/c", LONG))
        .isInstanceOf(IOException.class);
    Path none = directory.resolve("none");
    assertThatThrownBy(() -> ask(CredentialMode.UDS, none.toString(), LONG))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(none.toString());
    Path file = Files.createFile(directory.resolve("file"));
    assertThatThrownBy(() -> ask(CredentialMode.UDS, file.toString(), LONG))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void aServiceThatSaysNothingCostsItsTimeout() throws IOException {
    try (var mute = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      String url = "http://127.0.0.1:" + mute.getLocalPort() + "/c";
      assertThatThrownBy(() -> ask(CredentialMode.HTTP, url, SHORT))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("within 300 ms");
    }
  }

  @Test
  void aUnixSocketIsAskedAsLocalhost() throws Exception {
    Path socket =
        unix((in, out) -> {
          asked.add(head(in));
          out.write(
              ("HTTP/1.1 200 OK\r\nContent-Length: " + ANSWER.length() + "\r\n\r\n" + ANSWER)
                  .getBytes(StandardCharsets.UTF_8));
        });
    assertThat(ask(CredentialMode.UDS, socket.toString(), LONG))
        .isEqualTo(new Credential.UserPassword("first", "p:1"));
    assertThat(asked.poll(1, TimeUnit.SECONDS))
        .startsWith("GET /auth?remote_url=" + BLOB + " HTTP/1.1\r\n")
        .contains("Host: localhost\r\n");
  }

  @Test
  void aUnixSocketThatSaysNothingOrTricklesCostsItsTimeout() throws Exception {
    Path socket =
        unix((in, out) -> {
          head(in);
          out.write("HTTP/1.1 200 OK\r\nX: ".getBytes(StandardCharsets.UTF_8));
          for (int i = 0; i < 10_000; i++) { // each byte begins the socket's own timeout anew
            out.write('x');
            out.flush();
            try {
              Thread.sleep(20);
            } catch (InterruptedException e) {
              return;
            }
          }
        });
    for (int i = 0; i < 2; i++) { // the second finds the service busy with the first
      assertThatThrownBy(() -> ask(CredentialMode.UDS, socket.toString(), SHORT))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(socket.toString());
    }
  }

  @Test
  void aUnixSocketWhereNobodyAcceptsCostsItsTimeout() throws IOException {
    Path path = directory.resolve("full.sock");
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path), 1);
      for (int i = 0; i < 4; i++) { // until nobody more may wait, and then some
        assertThatThrownBy(() -> ask(CredentialMode.UDS, path.toString(), SHORT))
            .isInstanceOf(IOException.class)
            .hasMessageContaining(path.toString());
      }
    }
  }

  @Test
  void httpsShowsACertificateAndBelievesOnePinnedAuthority() throws Exception {
    var certificates = new Certificates(directory);
    certificates.authority("ca");
    certificates.authority("other");
    certificates.issue("server", "subjectAltName=DNS:localhost");
    certificates.issue("client", "extendedKeyUsage=clientAuth");
    SSLContext context =
        Trust.context(new TlsOptions(pem("ca.pem"), pem("server.pem"), pem("server.key")));
    HttpsServer server = HttpsServer.create(anyPort(), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters ssl = context.getDefaultSSLParameters();
            ssl.setNeedClientAuth(true);
            parameters.setSSLParameters(ssl);
          }
        });
    start(server, 200, ANSWER);
    String url = "https://localhost:" + server.getAddress().getPort() + "/cred";
    assertThat(https(url, "client", "ca.pem").find(TARGET))
        .isEqualTo(new Credential.UserPassword("first", "p:1"));
    assertThatThrownBy(() -> https(url, "client", "other.pem").find(TARGET))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(url);
    String otherName = url.replace("localhost", "127.0.0.1");
    assertThatThrownBy(() -> https(otherName, "client", "ca.pem").find(TARGET))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(otherName);
    assertThatThrownBy(() -> ask(CredentialMode.HTTPS, url, LONG)).isInstanceOf(IOException.class);
  }

  private Optional<Path> pem(String name) {
    return Optional.of(directory.resolve(name));
  }

  private CredentialProvider https(String url, String certificate, String authority)
      throws IOException {
    return CredentialProviders.of(
        CredentialMode.HTTPS,
        url,
        LONG,
        pem(certificate + ".pem"),
        pem(certificate + ".key"),
        pem(authority));
  }

  @Test
  void pathsOfTheWrongKindAreRefusedBeforeAnybodyIsAsked() {
    for (CredentialMode mode : CredentialMode.values()) {
      assertThatThrownBy(() -> ask(mode, "", LONG)).isInstanceOf(IllegalArgumentException.class);
    }
    for (String url : List.of("ftp://h/p", "h:80", "http://", "https://h/p")) {
      assertThatThrownBy(() -> ask(CredentialMode.HTTP, url, LONG))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
