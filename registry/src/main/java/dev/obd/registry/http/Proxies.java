package dev.obd.registry.http;

import java.net.URI;
import java.util.Optional;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.impl.DefaultSchemePortResolver;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.routing.DefaultRoutePlanner;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/** {@link ProxyOptions} as HttpClient wants them. */
final class Proxies extends DefaultRoutePlanner {
  private static final int DEFAULT_PORT = 80;

  private final ProxyOptions options;
  private final BasicCredentialsProvider credentials = new BasicCredentialsProvider();
  private boolean loggedIn;

  Proxies(ProxyOptions options) {
    super(DefaultSchemePortResolver.INSTANCE);
    this.options = options;
    options.plain().ifPresent(this::logIn);
    options.tls().ifPresent(this::logIn);
  }

  private void logIn(URI proxy) {
    String user = proxy.getUserInfo();
    if (user == null) {
      return;
    }
    int colon = user.indexOf(':');
    String name = colon < 0 ? user : user.substring(0, colon);
    char[] password = (colon < 0 ? "" : user.substring(colon + 1)).toCharArray();
    credentials.setCredentials(
        new AuthScope(host(proxy)), new UsernamePasswordCredentials(name, password));
    loggedIn = true;
  }

  boolean areLoggedInTo() {
    return loggedIn;
  }

  BasicCredentialsProvider credentials() {
    return credentials;
  }

  @Override
  protected @Nullable HttpHost determineProxy(HttpHost target, HttpContext context) {
    var origin = new Origin(target.getSchemeName(), target.getHostName(), target.getPort());
    Optional<URI> proxy = options.towards(origin);
    return proxy.map(Proxies::host).orElse(null);
  }

  private static HttpHost host(URI proxy) {
    return new HttpHost(
        "http", proxy.getHost(), proxy.getPort() < 0 ? DEFAULT_PORT : proxy.getPort());
  }
}
