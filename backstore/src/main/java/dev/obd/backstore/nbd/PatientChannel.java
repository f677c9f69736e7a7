package dev.obd.backstore.nbd;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** A socket whose reads and writes block, but not forever. For one thread at a time. */
final class PatientChannel implements Closeable {
  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;
  private final long patienceMillis;

  private PatientChannel(SocketChannel channel, Selector selector, Duration patience)
      throws IOException {
    this.channel = channel;
    this.selector = selector;
    this.key = channel.register(selector, 0);
    this.patienceMillis = Math.max(1, patience.toMillis());
  }

  /**
   * @param patience how long to wait for the peer to take or give the next byte
   */
  static PatientChannel connect(SocketAddress address, Duration patience) throws IOException {
    var channel =
        address instanceof java.net.UnixDomainSocketAddress
            ? SocketChannel.open(java.net.StandardProtocolFamily.UNIX)
            : SocketChannel.open();
    Selector selector = null;
    boolean connected = false;
    try {
      channel.configureBlocking(false);
      selector = Selector.open();
      var result = new PatientChannel(channel, selector, patience);
      if (!channel.connect(address)) {
        do {
          result.await(SelectionKey.OP_CONNECT);
        } while (!channel.finishConnect());
      }
      connected = true;
      return result;
    } finally {
      if (!connected) {
        channel.close();
        if (selector != null) {
          selector.close();
        }
      }
    }
  }

  void read(ByteBuffer dst) throws IOException {
    while (dst.hasRemaining()) {
      int n = channel.read(dst);
      if (n < 0) {
        throw new EOFException("the NBD server closed the connection");
      }
      if (n == 0) {
        await(SelectionKey.OP_READ);
      }
    }
  }

  void write(ByteBuffer... src) throws IOException {
    ByteBuffer last = src[src.length - 1];
    while (last.hasRemaining() || src[0].hasRemaining()) {
      if (channel.write(src) == 0) {
        await(SelectionKey.OP_WRITE);
      }
    }
  }

  private void await(int operation) throws IOException {
    key.interestOps(operation);
    if (selector.select(patienceMillis) == 0) {
      throw new SocketTimeoutException("the NBD server said nothing for " + patienceMillis + " ms");
    }
    selector.selectedKeys().clear();
  }

  @Override
  public void close() throws IOException {
    try (channel;
        selector) {
      key.cancel();
    }
  }
}
