package dev.obd.registry.http;

import dev.obd.registry.RegistryClock;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.time.Duration;

/**
 * The limit of the exchange that runs on this thread, for the two steps HttpClient runs without
 * asking us: name lookup and connecting.
 */
final class CurrentLimit {
  private static final ScopedValue<Limit> CURRENT = ScopedValue.newInstance();
  private static final Duration OTHERWISE = Duration.ofSeconds(10);

  private CurrentLimit() {}

  /** What may fail with an I/O error. */
  interface Exchange<T> {
    T run() throws IOException;
  }

  static <T> T run(Limit limit, Exchange<T> exchange) throws IOException {
    return ScopedValue.where(CURRENT, limit).<T, IOException>call(exchange::run);
  }

  static Limit get() {
    return CURRENT.isBound() ? CURRENT.get() : Limit.after(RegistryClock.SYSTEM, OTHERWISE);
  }

  /** A socket that connects within the limit, however many addresses were tried before. */
  static Socket socket(Proxy proxy) {
    return new Socket(proxy == null ? Proxy.NO_PROXY : proxy) {
      @Override
      public void connect(SocketAddress endpoint, int timeoutMillis) throws IOException {
        Limit limit = get();
        if (limit.isOver()) {
          throw new SocketTimeoutException("no time left to connect");
        }
        int most = limit.silence().toMillisecondsIntBound();
        super.connect(endpoint, timeoutMillis > 0 ? Math.min(most, timeoutMillis) : most);
      }

      @Override
      public void connect(SocketAddress endpoint) throws IOException {
        connect(endpoint, 0);
      }

      @Override
      public String toString() {
        return getRemoteSocketAddress() instanceof InetSocketAddress a
            ? "socket to " + a
            : "socket";
      }
    };
  }
}
