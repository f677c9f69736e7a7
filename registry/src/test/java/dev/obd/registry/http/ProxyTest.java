package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageReference;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.RegistryException;
import dev.obd.registry.tls.Certificates;
import dev.obd.registry.tls.TlsOptions;
import dev.obd.registry.tls.Trust;
import dev.obd.testdata.FaultyRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProxyTest {
  private static final byte[] BLOB = "the blob".getBytes(StandardCharsets.UTF_8);
  private static final Descriptor DESCRIPTOR =
      new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BLOB), BLOB.length);

  private static boolean isDirect(String bypass, String url) {
    return ProxyOptions.of(URI.create("http://proxy:3128"), List.of(bypass.split(",")))
        .towards(Origin.of(URI.create(url)))
        .isEmpty();
  }

  @Test
  void hostsAreBypassedByNameAddressAndNetwork() {
    for (String bypass :
        List.of(
            "reg.example",
            ".example",
            "*.example",
            "*",
            "a,EXAMPLE",
            "reg.example:443",
            "example")) {
      assertThat(isDirect(bypass, "https://reg.example/")).describedAs(bypass).isTrue();
    }
    for (String bypass :
        List.of("g.example", "reg.example:80", "reg.example.org", ".reg.example", "10.0.0.0/8")) {
      assertThat(isDirect(bypass, "https://reg.example/")).describedAs(bypass).isFalse();
    }
    for (String bypass : List.of("10.1.2.3", "10.0.0.0/8", "10.1.2.2/31", "0.0.0.0/0")) {
      assertThat(isDirect(bypass, "http://10.1.2.3:5000/")).describedAs(bypass).isTrue();
    }
    for (String bypass : List.of("10.1.2.4", "10.1.2.4/31", "11.0.0.0/8", "10.0.0.0/x", "1.2.3")) {
      assertThat(isDirect(bypass, "http://10.1.2.3:5000/")).describedAs(bypass).isFalse();
    }
    assertThat(isDirect("fd00::/8", "http://[fd00::1]:5000/")).isTrue();
    assertThat(isDirect("fe00::/8", "http://[fd00::1]:5000/")).isFalse();
  }

  @Test
  void thisMachineIsNeverBehindAProxy() {
    for (String host : List.of("localhost:5000", "127.0.0.1", "127.8.8.8", "[::1]:80")) {
      assertThat(isDirect("none", "http://" + host + "/")).describedAs(host).isTrue();
    }
  }

  @Test
  void theEnvironmentIsRead() {
    ProxyOptions options =
        ProxyOptions.ofEnvironment(
            Map.of(
                "HTTP_PROXY", "http://plain:1",
                "https_proxy", "tls:2",
                "HTTPS_PROXY", "http://not-this:3",
                "NO_PROXY", "a.example, b.example"));
    assertThat(options.plain()).contains(URI.create("http://plain:1"));
    assertThat(options.tls()).contains(URI.create("http://tls:2"));
    assertThat(options.bypass()).containsExactly("a.example", "b.example");
    assertThat(ProxyOptions.ofEnvironment(Map.of())).isEqualTo(ProxyOptions.NONE);
    assertThat(ProxyOptions.ofEnvironment(Map.of("all_proxy", "http://p:1")).tls()).isPresent();
    assertThatThrownBy(() -> ProxyOptions.ofEnvironment(Map.of("HTTPS_PROXY", "socks5://u:s@p:1")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("u:s");
  }

  private static String read(String host, RegistryOptions options) throws IOException {
    try (var client = new RegistryClient(options)) {
      ByteBuffer into = ByteBuffer.allocate(BLOB.length);
      client
          .repository(ImageReference.parse(host + "/app"))
          .open(DESCRIPTOR)
          .read(0, into, Duration.ofSeconds(20));
      return new String(into.array(), StandardCharsets.UTF_8);
    }
  }

  private static RegistryOptions through(ForwardProxy proxy, String login) {
    URI address = URI.create("http://" + login + "127.0.0.1:" + proxy.port());
    return RegistryOptions.defaults()
        .withPlainHttp(PlainHttp.ALWAYS)
        .withNetwork(NetworkOptions.DIRECT.withProxies(ProxyOptions.of(address, List.of())));
  }

  @Test
  void plainHttpGoesThroughIt() throws IOException {
    try (FaultyRegistry server = FaultyRegistry.start();
        var proxy = new ForwardProxy()) {
      server.putBlob("app", BLOB);
      String host = "registry.example" + server.host().substring(server.host().indexOf(':'));
      assertThat(read(host, through(proxy, ""))).isEqualTo("the blob");
      assertThat(proxy.heads()).hasSize(1);
      assertThat(proxy.heads().getFirst()).startsWith("GET http://" + host + "/v2/app/blobs/");
    }
  }

  @Test
  void aProxyThatAsksWhoWeAreIsTold() throws IOException {
    try (FaultyRegistry server = FaultyRegistry.start();
        var proxy = new ForwardProxy()) {
      server.putBlob("app", BLOB);
      proxy.refuse("HTTP/1.1 407 Proxy\r\nProxy-Authenticate: Basic realm=\"p\"");
      String host = "registry.example" + server.host().substring(server.host().indexOf(':'));
      assertThat(read(host, through(proxy, "u:p@"))).isEqualTo("the blob");
      assertThatThrownBy(() -> read(host, through(proxy, "")))
          .isInstanceOf(RegistryException.class)
          .hasMessageContaining("407");
      assertThat(server.log()).noneMatch(r -> r.headers().containsKey("proxy-authorization"));
    }
  }

  @Test
  void tlsGoesThroughATunnelAndTheServersNameIsVerified(@TempDir Path directory) throws Exception {
    var certificates = new Certificates(directory);
    certificates.authority("ca");
    certificates.issue("server", "subjectAltName=DNS:registry.example");
    var own =
        new TlsOptions(
            Optional.of(directory.resolve("ca.pem")),
            Optional.of(directory.resolve("server.pem")),
            Optional.of(directory.resolve("server.key")));
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(Trust.context(own)));
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.getResponseHeaders().set("Content-Range", "bytes 0-7/8");
            exchange.sendResponseHeaders(206, BLOB.length);
            exchange.getResponseBody().write(BLOB);
          }
        });
    server.start();
    try (var proxy = new ForwardProxy()) {
      int port = server.getAddress().getPort();
      for (String login : List.of("", "u:p@")) {
        if (!login.isEmpty()) {
          proxy.refuse("HTTP/1.1 407 Proxy\r\nProxy-Authenticate: Basic realm=\"p\"");
        }
        RegistryOptions options = through(proxy, login).withPlainHttp(PlainHttp.NEVER).withTls(own);
        assertThat(read("registry.example:" + port, options)).isEqualTo("the blob");
        assertThatThrownBy(() -> read("other.example:" + port, options))
            .isInstanceOf(RegistryException.class)
            .hasMessageContaining("TLS");
      }
      assertThat(proxy.heads())
          .allMatch(head -> head.startsWith("CONNECT ") && head.contains(":" + port + " "));
    } finally {
      server.stop(0);
    }
  }
}
