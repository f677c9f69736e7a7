package dev.obd.registry.http;

import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RequestListener;
import dev.obd.registry.tls.TlsOptions;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.SocketException;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.config.TlsConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.DefaultHttpClientConnectionOperator;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.client5.http.ssl.HostnameVerificationPolicy;
import org.apache.hc.client5.http.ssl.NoopHostnameVerifier;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.EndpointDetails;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.config.RegistryBuilder;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.apache.hc.core5.pool.PoolReusePolicy;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * Sends one request and hands out the answer; follows nothing, repeats nothing, knows no
 * credentials. Thread-safe. A watchdog cuts the connection when the limit is over, whatever the
 * exchange is doing: a body that trickles resets every socket timeout, but not the watchdog.
 */
final class Transport implements Closeable {
  private static final int MAX_HOSTS = 8;
  private static final long SWEEP_NANOS = 30_000_000_000L;
  private static final TimeValue IDLE = TimeValue.ofSeconds(60);

  private final RegistryOptions options;
  private final PoolingHttpClientConnectionManager pool;
  private final CloseableHttpClient client;
  private final RequestCounts counts = new RequestCounts();
  private final Proxies proxies;
  private final AtomicLong sweptNanos;

  Transport(RegistryOptions options, SSLContext tls) {
    this.options = options;
    TlsSocketStrategy strategy =
        options.tls().verification() == TlsOptions.Verification.NOTHING
            ? new DefaultClientTlsStrategy(
                tls, HostnameVerificationPolicy.CLIENT, NoopHostnameVerifier.INSTANCE)
            : new DefaultClientTlsStrategy(tls);
    pool =
        new PoolingHttpClientConnectionManager(
            new DefaultHttpClientConnectionOperator(
                CurrentLimit::socket,
                null,
                new NameLookup(),
                RegistryBuilder.<TlsSocketStrategy>create().register("https", strategy).build()),
            PoolConcurrencyPolicy.STRICT,
            PoolReusePolicy.LIFO,
            null,
            ManagedHttpClientConnectionFactory.builder().http1Config(bounds()).build());
    pool.setDefaultMaxPerRoute(options.connectionsPerHost());
    pool.setMaxTotal(options.connectionsPerHost() * MAX_HOSTS);
    pool.setDefaultSocketConfig(SocketConfig.custom().setTcpNoDelay(true).build());
    pool.setConnectionConfigResolver(route -> connecting());
    pool.setTlsConfigResolver(
        host -> TlsConfig.custom().setHandshakeTimeout(CurrentLimit.get().silence()).build());
    proxies = new Proxies(options.network().proxies());
    client =
        HttpClientBuilder.create()
            .setRoutePlanner(proxies)
            .setDefaultCredentialsProvider(proxies.credentials())
            .setConnectionManager(pool)
            .setUserAgent(options.userAgent())
            .disableRedirectHandling() // it would refuse, or send credentials along
            .disableContentCompression() // a range of a compressed body is a range of other bytes
            .disableAutomaticRetries() // Attempts decides
            .disableCookieManagement()
            .disableAuthCaching()
            .build();
    sweptNanos = new AtomicLong(options.clock().nanos());
  }

  /** What a hostile server can make us keep of its headers. */
  private static Http1Config bounds() {
    return Http1Config.custom()
        .setMaxLineLength(64 << 10)
        .setMaxHeaderCount(200)
        .setMaxEmptyLineCount(10)
        .build();
  }

  private static ConnectionConfig connecting() {
    Timeout silence = CurrentLimit.get().silence();
    return ConnectionConfig.custom()
        .setConnectTimeout(silence)
        .setSocketTimeout(silence)
        .setValidateAfterInactivity(TimeValue.ofSeconds(2))
        .setTimeToLive(TimeValue.ofMinutes(10))
        .build();
  }

  /**
   * Sends {@code call}. The answer must be closed.
   *
   * @throws RegistryException if there is no answer
   */
  Answer send(Call call, Limit limit) throws IOException {
    if (limit.isOver()) {
      throw new RegistryException(
          Kind.TIMED_OUT, 0, call + ": no time left of " + Failures.seconds(limit), null);
    }
    if (Thread.currentThread().isInterrupted()) {
      throw Failures.interrupted(call.toString());
    }
    sweep();
    while (true) {
      Answer answer = attempt(call, limit);
      if (answer != null) {
        return answer;
      }
    }
  }

  /**
   * The answer, or null if it was asked for on a connection that had been used before and that the
   * server had closed meanwhile: that says nothing of the server.
   */
  private @Nullable Answer attempt(Call call, Limit limit) throws IOException {
    var context = HttpClientContext.create();
    var request = new HttpUriRequestBase(call.method(), call.wire());
    call.headers().forEach(request::setHeader);
    Call.Body body = call.body();
    if (body != null) {
      request.setEntity(new Entity(body));
    }
    // A server may be long at work on what it was sent; only questions deserve a quick answer.
    Timeout silence = call.isSafe() ? limit.silence() : limit.rest();
    request.setConfig(
        RequestConfig.custom()
            .setConnectionRequestTimeout(limit.rest())
            .setResponseTimeout(silence)
            .setProtocolUpgradeEnabled(false)
            .setAuthenticationEnabled(proxies.areLoggedInTo()) // to proxies only
            .build());
    Runnable endWatch = watch(call, limit, request::cancel);
    Origin origin = Origin.of(call.wire());
    long began = options.clock().nanos();
    try {
      var host = new HttpHost(origin.scheme(), origin.host(), origin.port());
      ClassicHttpResponse response =
          CurrentLimit.run(limit, () -> client.executeOpen(host, request, context));
      counts.answered(origin, response.getCode());
      tell(origin, response, options.clock().nanos() - began);
      return new Answer(call, response, limit, endWatch, request::cancel);
    } catch (IOException e) {
      endWatch.run();
      if (limit.isCancelled()) { // from here: nothing is wrong with the host
        throw Failures.network(call, e, limit);
      }
      if (isStale(e, context) && call.isSafe() && !limit.isOver()) {
        return null;
      }
      counts.failed(origin);
      throw Failures.network(call, e, limit);
    } catch (IllegalStateException e) {
      // A request cancelled between two of the client's steps: it finds its connection gone.
      endWatch.run();
      throw Failures.network(call, new IOException("the connection was given up", e), limit);
    } catch (RuntimeException | Error e) {
      endWatch.run();
      throw e;
    }
  }

  /**
   * What others may be waiting for as well, a token say, goes on when the transfer is cancelled.
   */
  private static Runnable watch(Call call, Limit limit, Runnable cut) {
    Runnable endWatch = limit.watch(cut);
    if (!call.headers().containsKey("Range")) {
      return endWatch;
    }
    Runnable forget = limit.cutWhenCancelled(cut);
    return () -> {
      forget.run();
      endWatch.run();
    };
  }

  private static void tell(Origin origin, ClassicHttpResponse response, long nanos) {
    Header date = response.getFirstHeader("Date");
    String text = date == null || date.getValue() == null ? "" : date.getValue();
    RequestListener.current()
        .exchanged(
            new RequestListener.Exchange(origin.toString(), response.getCode(), text, nanos));
  }

  RequestCounts counts() {
    return counts;
  }

  private static boolean isStale(IOException e, HttpClientContext context) {
    EndpointDetails connection = context.getEndpointDetails();
    boolean closed =
        e instanceof NoHttpResponseException
            || (e instanceof SocketException && !(e instanceof ConnectException));
    return closed && connection != null && connection.getRequestCount() > 1;
  }

  /** Connections nobody has used for a while are closed when somebody comes by. */
  private void sweep() {
    long now = options.clock().nanos();
    long last = sweptNanos.get();
    if (now - last > SWEEP_NANOS && sweptNanos.compareAndSet(last, now)) {
      pool.closeIdle(IDLE);
      pool.closeExpired();
    }
  }

  @Override
  public void close() throws IOException {
    client.close();
  }

  /** A body for HttpClient. Repeatable in truth, but nobody but us may repeat it. */
  private static final class Entity extends AbstractHttpEntity {
    private final Call.Body body;

    Entity(Call.Body body) {
      super(ContentType.parse(body.contentType()), null);
      this.body = body;
    }

    @Override
    public long getContentLength() {
      return body.length();
    }

    @Override
    public boolean isRepeatable() {
      return false;
    }

    @Override
    public boolean isStreaming() {
      return false;
    }

    @Override
    public InputStream getContent() {
      throw new UnsupportedOperationException("written, not read");
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      body.writeTo(out);
    }

    @Override
    public void close() {}
  }
}
