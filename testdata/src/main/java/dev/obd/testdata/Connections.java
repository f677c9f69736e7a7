package dev.obd.testdata;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** A listening loopback port; each connection is served on a virtual thread of its own. */
final class Connections implements AutoCloseable {
  /** Serves one connection until it ends. */
  @FunctionalInterface
  interface Server {
    void serve(Socket connection) throws IOException;
  }

  private final ServerSocket listener;
  private final Server server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicLong accepted = new AtomicLong();

  /** Listens on {@code port} of 127.0.0.1; 0: any free one. */
  Connections(int port, Server server) throws IOException {
    this.server = server;
    this.listener = new ServerSocket();
    listener.setReuseAddress(true);
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1024);
    Thread.ofVirtual().name("accept " + port()).start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Connections since the start. */
  long accepted() {
    return accepted.get();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket connection = listener.accept();
        accepted.incrementAndGet();
        open.add(connection);
        Thread.ofVirtual().name("connection").start(() -> serve(connection));
      } catch (IOException e) {
        if (!listener.isClosed()) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      connection.setTcpNoDelay(true);
      server.serve(connection);
    } catch (IOException e) {
      // The peer went away, or close() did: nobody is left to be told.
    } finally {
      open.remove(connection);
    }
  }

  /** Breaks all connections that are open now. */
  void drop() {
    for (Socket connection : open) {
      reset(connection);
    }
  }

  /** Closes a connection so that its peer gets a reset. */
  static void reset(Socket connection) {
    try {
      connection.setSoLinger(true, 0);
      connection.close();
    } catch (IOException e) {
      // Closed already.
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    drop();
  }
}
