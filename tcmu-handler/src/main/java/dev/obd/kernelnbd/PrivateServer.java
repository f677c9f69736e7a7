package dev.obd.kernelnbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import dev.obd.nativeio.Fd;
import dev.obd.nativeio.UnixSocket;
import java.io.Closeable;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;

/** A device served over NBD to nobody but the connections made here, until closed. */
final class PrivateServer implements Closeable {
  private static final String SCHEME = "nbd+unix";
  private static final String SOCKET = "s";

  private final Export server;
  private final Handshake.Export export;
  private final List<Fd> connections;

  private PrivateServer(Export server, Handshake.Export export, List<Fd> connections) {
    this.server = server;
    this.export = export;
    this.connections = connections;
  }

  /**
   * Serves {@code device}.
   *
   * @param directory where its socket is while this runs; removed before this returns
   * @param connections how many to make, if the server allows more than one
   */
  static PrivateServer start(BlockDevice device, Path directory, int connections)
      throws IOException, InterruptedException {
    Path socket = directory.resolve(SOCKET);
    var open = new ArrayList<Fd>();
    Export server = null;
    boolean started = false;
    try {
      // Answers may not depend on virtual threads: see the front-end.
      URI where = URI.create(SCHEME + ":///?threads=platform&socket=" + encoded(socket));
      server = frontend().export(device, where);
      Handshake.Export export = null;
      for (int i = 0; i < connections; i++) {
        Fd connection = UnixSocket.connect(socket);
        open.add(connection);
        export = Handshake.negotiate(connection, "");
      }
      if (export == null || export.size() != device.size()) {
        throw new IOException("expected an export of " + device.size() + " bytes, got " + export);
      }
      started = true;
      return new PrivateServer(server, export, open);
    } finally {
      // Nobody else is to connect, and nothing is left if this process dies.
      Files.deleteIfExists(socket);
      Files.deleteIfExists(directory);
      if (!started) {
        for (Fd connection : open) {
          connection.close();
        }
        if (server != null) {
          server.close();
        }
      }
    }
  }

  private static String encoded(Path path) {
    String raw = URI.create("file:" + path.toUri().getRawPath()).getRawPath();
    return raw.replace("&", "%26").replace("+", "%2B");
  }

  private static DeviceFrontend frontend() throws IOException {
    return ServiceLoader.load(DeviceFrontend.class).stream()
        .filter(provider -> provider.type() != NbdDeviceFrontend.class)
        .map(ServiceLoader.Provider::get)
        .filter(frontend -> frontend.scheme().equals(SCHEME))
        .findFirst()
        .orElseThrow(() -> new IOException("this build has no front-end for " + SCHEME));
  }

  /** Transmission flags of the export. */
  int flags() {
    return export.flags();
  }

  /** To be handed to the kernel. */
  List<Fd> connections() {
    return connections;
  }

  /** The kernel has its own references to them now. */
  void connectionsAreHandedOver() throws IOException {
    for (Fd connection : connections) {
      connection.close();
    }
  }

  /** Waits for requests in work and disconnects who is connected. */
  @Override
  public void close() throws IOException {
    connectionsAreHandedOver();
    server.close();
  }
}
