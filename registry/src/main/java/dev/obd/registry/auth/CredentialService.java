package dev.obd.registry.auth;

import dev.obd.registry.JsonFields;
import dev.obd.registry.RegistryClock;
import dev.obd.registry.tls.TlsOptions;
import dev.obd.registry.tls.Trust;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultBHttpClientConnection;
import org.apache.hc.core5.http.message.BasicClassicHttpRequest;

/**
 * Asks a service for credentials: {@code GET <address>?remote_url=<blob URL>}, where the URL is not
 * escaped. The answer is {@code {"success": true, "data": {"auths": {…}}}}, and its entries are
 * matched as those of a {@code cred.json}. A connection per question. Source: overlaybd 063821f,
 * {@code image_service.cpp}.
 */
final class CredentialService implements CredentialProvider {
  private static final int MAX_ANSWER = 1 << 20;
  private static final Http1Config BOUNDS =
      Http1Config.custom().setMaxLineLength(16 << 10).setMaxHeaderCount(100).build();

  private final String name;
  private final String host;
  private final String path;
  private final Dialer dialer;
  private final Duration timeout;
  private final RegistryClock clock;

  private CredentialService(
      String name, String host, String path, Dialer dialer, Duration timeout, RegistryClock clock) {
    this.name = name;
    this.host = host;
    this.path = path;
    this.dialer = dialer;
    this.timeout = timeout;
    this.clock = clock;
  }

  static CredentialService http(String url, Duration timeout, RegistryClock clock) {
    URI uri = address(url, "http");
    return over(uri, new Dialer.Tcp(uri.getHost(), port(uri, 80)), timeout, clock);
  }

  static CredentialService https(String url, TlsOptions tls, Duration timeout, RegistryClock clock)
      throws IOException {
    URI uri = address(url, "https");
    boolean anybody = tls.verification() == TlsOptions.Verification.NOTHING;
    var dialer =
        new Dialer.Tls(
            new Dialer.Tcp(uri.getHost(), port(uri, 443)),
            Trust.context(tls).getSocketFactory(),
            !anybody);
    return over(uri, dialer, timeout, clock);
  }

  static CredentialService uds(Path socket, Duration timeout, RegistryClock clock) {
    return new CredentialService(
        socket.toString(), "localhost", "/auth", new Dialer.Unix(socket), timeout, clock);
  }

  private static CredentialService over(
      URI uri, Dialer dialer, Duration timeout, RegistryClock clock) {
    String path = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
    String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    return new CredentialService(
        uri.getScheme() + "://" + uri.getAuthority() + path,
        uri.getAuthority(),
        path + query,
        dialer,
        timeout,
        clock);
  }

  private static URI address(String url, String scheme) {
    URI uri = URI.create(url);
    if (!scheme.equalsIgnoreCase(uri.getScheme())
        || uri.getHost() == null
        || uri.getUserInfo() != null) {
      throw new IllegalArgumentException(
          "credentials: expected " + scheme + "://host[:port]/path, got '" + url + "'");
    }
    return uri;
  }

  private static int port(URI uri, int otherwise) {
    return uri.getPort() < 0 ? otherwise : uri.getPort();
  }

  @Override
  public Credential find(Target target) throws IOException {
    JsonFields answer = JsonFields.parse(name, ask(target.url()));
    if (!answer.bool("success").orElse(false)) {
      throw answer.bad("expected success, got a failure");
    }
    JsonFields data = answer.object("data").orElseThrow(() -> answer.bad("expected data"));
    return OverlaybdCredentials.select(data, target);
  }

  private byte[] ask(URI about) throws IOException {
    long began = clock.nanos();
    Dialer.Line line = dialer.dial(timeout);
    var late = new AtomicBoolean();
    // A timeout of the socket begins anew with every byte; this one does not.
    Runnable endWatch =
        clock.schedule(
            Math.max(1, timeout.toNanos() - (clock.nanos() - began)),
            () -> {
              late.set(true);
              line.cut();
            });
    try (line;
        var connection = new DefaultBHttpClientConnection(BOUNDS)) {
      connection.bind(line.socket(timeout));
      var request =
          new BasicClassicHttpRequest(
              "GET", path + (path.indexOf('?') < 0 ? "?" : "&") + "remote_url=" + about);
      request.setHeader("Host", host);
      request.setHeader("Accept", "application/json");
      request.setHeader("Connection", "close");
      connection.sendRequestHeader(request);
      connection.flush();
      ClassicHttpResponse response = connection.receiveResponseHeader();
      if (response.getCode() != 200) {
        throw new IOException(name + ": expected status 200, got " + response.getCode());
      }
      connection.receiveResponseEntity(response);
      return body(response.getEntity());
    } catch (HttpException e) {
      throw new IOException(name + ": not HTTP: " + e.getMessage(), e);
    } catch (SocketTimeoutException e) {
      throw tooSlow(e);
    } catch (IOException e) {
      throw late.get() ? tooSlow(e) : named(e);
    } finally {
      endWatch.run();
    }
  }

  private byte[] body(HttpEntity entity) throws IOException {
    try (InputStream in = entity.getContent()) {
      byte[] bytes = in.readNBytes(MAX_ANSWER + 1);
      if (bytes.length > MAX_ANSWER) {
        throw new IOException(name + ": expected at most " + MAX_ANSWER + " bytes");
      }
      return bytes;
    }
  }

  private IOException tooSlow(IOException e) {
    return new IOException(name + ": no answer within " + timeout.toMillis() + " ms", e);
  }

  private IOException named(IOException e) {
    String text = String.valueOf(e.getMessage());
    return text.startsWith(name) ? e : new IOException(name + ": " + text, e);
  }
}
