package dev.obd.backstore.nbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Export;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One server per address, shared by the exports on it: started for the first, closed with the last.
 * Thread-safe.
 */
final class NbdListeners {
  private static final class Listener {
    final NbdServer server;
    int exports;

    Listener(NbdServer server) {
      this.server = server;
    }
  }

  // Guarded by this, also while a server starts: an address gets one.
  private final Map<SocketAddress, Listener> byAddress = new HashMap<>();

  synchronized Export export(BlockDevice device, NbdUri where, @Nullable Executor threads)
      throws IOException, InterruptedException {
    SocketAddress key = where.address();
    Listener listener = byAddress.get(key);
    if (listener == null) {
      listener = new Listener(server(key).start());
      if (key instanceof InetSocketAddress tcp && tcp.getPort() == 0) {
        // Everybody who asks for any port gets one of their own.
        key = new InetSocketAddress(tcp.getAddress(), listener.server.port());
      }
      byAddress.put(key, listener);
    }
    Export export = null;
    try {
      export = listener.server.add(where.export(), device, threads);
      listener.exports++;
    } finally {
      if (export == null && listener.exports == 0) {
        byAddress.remove(key);
        listener.server.close();
      }
    }
    return shared(key, listener, export);
  }

  private static NbdServer.Builder server(SocketAddress address) throws IOException {
    return switch (address) {
      case UnixDomainSocketAddress unix -> NbdServer.builder().unix(unix.getPath());
      case InetSocketAddress tcp -> {
        if (tcp.isUnresolved()) {
          throw new IOException("unknown host: " + tcp.getHostString());
        }
        yield NbdServer.builder().tcp(tcp);
      }
      default -> throw new IllegalArgumentException("address: " + address);
    };
  }

  private Export shared(SocketAddress key, Listener listener, Export export) {
    return new Export() {
      private boolean closed; // guarded by NbdListeners.this

      @Override
      public String address() {
        return export.address();
      }

      @Override
      public void close() throws IOException {
        boolean last;
        synchronized (NbdListeners.this) {
          if (closed) {
            return;
          }
          closed = true;
          last = --listener.exports == 0;
          if (last) {
            byAddress.remove(key);
          }
        }
        // Outside the lock: clients may take their time, and other exports must not wait for them.
        export.close();
        if (last) {
          listener.server.close();
        }
      }
    };
  }
}
