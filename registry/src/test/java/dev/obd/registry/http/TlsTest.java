package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.tls.Certificates;
import dev.obd.registry.tls.TlsOptions;
import dev.obd.registry.tls.TlsOptions.Verification;
import dev.obd.registry.tls.Trust;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS with certificates made on the spot. */
class TlsTest {
  private static final byte[] BLOB = "the blob".getBytes(StandardCharsets.UTF_8);
  private static final Descriptor DESCRIPTOR =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);

  @TempDir static Path directory;

  private HttpsServer server;

  @BeforeAll
  static void makeCertificates() throws IOException, InterruptedException {
    var certificates = new Certificates(directory);
    certificates.authority("ca");
    certificates.authority("other");
    certificates.issue("server", "subjectAltName=DNS:localhost,IP:127.0.0.1");
    certificates.issue("stranger", "subjectAltName=DNS:stranger.example");
    certificates.issue("client", "extendedKeyUsage=clientAuth");
    certificates.openssl("rsa -in client.key -traditional -out client-rsa.key");
  }

  private static Path file(String name) {
    return directory.resolve(name);
  }

  private static TlsOptions tls(String authority) {
    return new TlsOptions(Optional.of(file(authority)), Optional.empty(), Optional.empty());
  }

  private static TlsOptions tls(String authority, String certificate, String key) {
    return new TlsOptions(
        Optional.of(file(authority)), Optional.of(file(certificate)), Optional.of(file(key)));
  }

  /** Serves the blob as {@code name}; asks for a client certificate if told so. */
  private String serve(String name, boolean wantsCertificate) throws IOException {
    SSLContext context = Trust.context(tls("ca.pem", name + ".pem", name + ".key"));
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters ssl = context.getDefaultSSLParameters();
            ssl.setNeedClientAuth(wantsCertificate);
            parameters.setSSLParameters(ssl);
          }
        });
    server.createContext("/", TlsTest::answer);
    server.start();
    return "localhost:" + server.getAddress().getPort();
  }

  private static void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().set("Content-Range", "bytes 0-7/8");
      exchange.sendResponseHeaders(206, BLOB.length);
      exchange.getResponseBody().write(BLOB);
    }
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.stop(0);
    }
  }

  private static String read(String host, TlsOptions tls) throws IOException {
    RegistryOptions options =
        RegistryOptions.defaults().withPlainHttp(PlainHttp.NEVER).withTls(tls);
    try (var client = new RegistryClient(options)) {
      ByteBuffer into = ByteBuffer.allocate(BLOB.length);
      client
          .repository(ImageReference.parse(host + "/app"))
          .open(DESCRIPTOR)
          .read(0, into, Duration.ofSeconds(20));
      return new String(into.array(), StandardCharsets.UTF_8);
    }
  }

  private static void assertRefused(String host, TlsOptions tls) {
    assertThatThrownBy(() -> read(host, tls))
        .isInstanceOfSatisfying(
            RegistryException.class,
            e -> assertThat(e.kind()).describedAs(e.getMessage()).isEqualTo(Kind.REFUSED))
        .hasMessageContaining("TLS");
  }

  @Test
  void anOwnAuthorityIsTrusted() throws IOException {
    assertThat(read(serve("server", false), tls("ca.pem"))).isEqualTo("the blob");
  }

  @Test
  void anUnknownAuthorityIsRefusedAtOnce() throws IOException {
    String host = serve("server", false);
    assertRefused(host, TlsOptions.DEFAULT);
    assertRefused(host, tls("other.pem"));
  }

  @Test
  void pinnedAuthoritiesAreTheOnlyOnes() throws IOException {
    String host = serve("server", false);
    assertThat(read(host, tls("ca.pem").withVerification(Verification.OWN_AUTHORITIES)))
        .isEqualTo("the blob");
    assertRefused(host, tls("other.pem").withVerification(Verification.OWN_AUTHORITIES));
  }

  @Test
  void anybodyIsBelievedOnlyWhenAskedFor() throws IOException {
    TlsOptions anybody = TlsOptions.DEFAULT.withVerification(Verification.NOTHING);
    assertThat(read(serve("stranger", false), anybody)).isEqualTo("the blob");
  }

  @Test
  void aCertificateForAnotherHostIsRefused() throws IOException {
    assertRefused(serve("stranger", false), tls("ca.pem"));
  }

  @Test
  void aClientCertificateIsShownIfThereIsOne() throws IOException {
    String host = serve("server", true);
    assertThat(read(host, tls("ca.pem", "client.pem", "client.key"))).isEqualTo("the blob");
    assertThat(read(host, tls("ca.pem", "client.pem", "client-rsa.key"))).isEqualTo("the blob");
  }

  @Test
  void aMissingClientCertificateFails() throws IOException {
    String host = serve("server", true);
    RegistryOptions options =
        RegistryOptions.defaults().withPlainHttp(PlainHttp.NEVER).withTls(tls("ca.pem"));
    try (var client = new RegistryClient(options)) {
      assertThatThrownBy(() ->
              client
                  .repository(ImageReference.parse(host + "/app"))
                  .open(DESCRIPTOR)
                  .read(0, ByteBuffer.allocate(1), Duration.ofSeconds(1)))
          .isInstanceOf(RegistryException.class);
    }
  }

  @Test
  void filesThatAreNotPemAreNamed() throws IOException {
    Files.writeString(file("nonsense"), "nonsense");
    for (TlsOptions options :
        List.of(
            tls("nonsense"),
            tls("ca.pem", "client.pem", "nonsense"),
            tls("ca.pem", "nonsense", "client.key"))) {
      assertThatThrownBy(() -> read("localhost:1", options))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("nonsense");
    }
  }

  @Test
  void plainHttpIsForLoopbackUnlessToldOtherwise() {
    for (String host :
        List.of("localhost", "localhost:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000")) {
      assertThat(PlainHttp.LOOPBACK.scheme(host)).isEqualTo("http");
      assertThat(PlainHttp.NEVER.scheme(host)).isEqualTo("https");
    }
    for (String host :
        List.of("h.example", "localhost.example", "127.0.0.1.example:80", "[::2]", "10.0.0.1")) {
      assertThat(PlainHttp.LOOPBACK.scheme(host)).isEqualTo("https");
      assertThat(PlainHttp.ALWAYS.scheme(host)).isEqualTo("http");
    }
  }
}
