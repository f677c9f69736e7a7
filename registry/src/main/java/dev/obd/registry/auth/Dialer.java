package dev.obd.registry.auth;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import jnr.unixsocket.UnixSocketAddress;
import jnr.unixsocket.UnixSocketChannel;
import jnr.unixsocket.UnixSocketOptions;

/** Connects to a credential service. */
sealed interface Dialer {
  /** Connects, within {@code timeout}. */
  Line dial(Duration timeout) throws IOException;

  /** A connection that another thread can cut. */
  interface Line extends Closeable {
    /** To speak over; a handshake may take place here. */
    Socket socket(Duration silence) throws IOException;

    /** Ends whatever waits on it; does not wait itself. */
    void cut();
  }

  private static int millis(Duration timeout) {
    return Math.clamp(timeout.toMillis(), 1, Integer.MAX_VALUE);
  }

  /** Plain TCP. */
  record Tcp(String host, int port) implements Dialer {
    @Override
    public Line dial(Duration timeout) throws IOException {
      var socket = new Socket();
      try {
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        socket.connect(new InetSocketAddress(bare, port), millis(timeout));
      } catch (IOException | RuntimeException e) {
        socket.close();
        throw e;
      }
      return new TcpLine(socket);
    }
  }

  /** A TCP connection. */
  record TcpLine(Socket raw) implements Line {
    @Override
    public Socket socket(Duration silence) throws IOException {
      raw.setSoTimeout(millis(silence));
      return raw;
    }

    @Override
    public void cut() {
      try {
        raw.close();
      } catch (IOException e) {
        // Then it is closed already.
      }
    }

    @Override
    public void close() throws IOException {
      raw.close();
    }
  }

  /** TLS over TCP. */
  record Tls(Tcp tcp, SSLSocketFactory factory, boolean verifiesName) implements Dialer {
    @Override
    public Line dial(Duration timeout) throws IOException {
      Line plain = tcp.dial(timeout);
      return new Line() {
        @Override
        public Socket socket(Duration silence) throws IOException {
          var socket =
              (SSLSocket) factory.createSocket(plain.socket(silence), tcp.host(), tcp.port(), true);
          if (verifiesName) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
          }
          socket.startHandshake();
          return socket;
        }

        @Override
        public void cut() {
          plain.cut(); // not the TLS socket, whose close may wait for one that writes
        }

        @Override
        public void close() throws IOException {
          plain.close();
        }
      };
    }
  }

  /** A unix socket. Its calls are native ones, and so for platform threads. */
  record Unix(Path path) implements Dialer {
    @Override
    public Line dial(Duration timeout) throws IOException {
      if (!Files.exists(path)) {
        throw new IOException(path + ": there is no such socket");
      }
      if (!Files.isWritable(path)) {
        throw new IOException(path + ": not writable for this user");
      }
      UnixSocketChannel channel = UnixSocketChannel.create();
      try {
        // Connecting waits, too, when the service accepts nobody.
        channel.setOption(UnixSocketOptions.SO_SNDTIMEO, millis(timeout));
        channel.setOption(UnixSocketOptions.SO_RCVTIMEO, millis(timeout));
        channel.connect(new UnixSocketAddress(path.toFile()));
      } catch (IOException e) {
        channel.close();
        throw new IOException(path + ": " + e.getMessage(), e);
      } catch (RuntimeException e) {
        channel.close();
        throw e;
      }
      return new UnixLine(channel);
    }
  }

  /** A connection over a unix socket. */
  record UnixLine(UnixSocketChannel channel) implements Line {
    @Override
    public Socket socket(Duration silence) {
      return channel.socket();
    }

    @Override
    public void cut() {
      try {
        channel.shutdownInput(); // closing would not end a read that waits
        channel.shutdownOutput();
      } catch (IOException e) {
        // Then the other side has closed it.
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
