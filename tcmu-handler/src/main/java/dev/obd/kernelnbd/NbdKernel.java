package dev.obd.kernelnbd;

import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import dev.obd.netlink.Attributes;
import dev.obd.netlink.GenericNetlink;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * The kernel's NBD client, by its generic-netlink family {@code nbd}.
 *
 * <pre>
 * command        attributes
 * 1 CONNECT      all below
 * 2 DISCONNECT   INDEX
 * 3 RECONFIGURE  INDEX, SIZE, BACKEND; SOCKETS take the places of dead ones
 * </pre>
 *
 * Source: Linux uapi {@code linux/nbd-netlink.h}.
 */
final class NbdKernel implements Closeable {
  private static final int CONNECT = 1;
  private static final int DISCONNECT = 2;
  private static final int RECONFIGURE = 3;

  private static final int INDEX = 1; // u32
  private static final int SIZE = 2; // u64, bytes
  private static final int BLOCK_SIZE = 3; // u64, bytes
  private static final int TIMEOUT = 4; // u64, seconds
  private static final int SERVER_FLAGS = 5; // u64
  private static final int SOCKETS = 7; // SOCKET_ITEMs, each with a SOCKET_FD
  private static final int DEAD_TIMEOUT = 8; // u64, seconds
  private static final int BACKEND = 10; // string
  private static final int SOCKET_ITEM = 1;
  private static final int SOCKET_FD = 1; // u32

  private final GenericNetlink netlink;
  private final GenericNetlink.Family family;

  private NbdKernel(GenericNetlink netlink, GenericNetlink.Family family) {
    this.netlink = netlink;
    this.family = family;
  }

  static NbdKernel open() throws IOException {
    GenericNetlink netlink = GenericNetlink.open();
    try {
      return new NbdKernel(netlink, netlink.resolve("nbd"));
    } catch (IOException e) {
      netlink.close();
      if (e instanceof ErrnoException errno && errno.is(Errno.ENOENT)) {
        throw new IOException(
            "the kernel's NBD client cannot be reached: load the module (modprobe nbd); in a"
                + " container it answers in the host's network namespace only",
            e);
      }
      throw e;
    }
  }

  /**
   * What the kernel is told of a device.
   *
   * @param flags the export's, as in the protocol
   * @param backend tells this device from others, also to later processes
   * @param timeout how long an answer may take; zero: as long as it takes
   * @param dead how long requests wait for a new connection
   */
  record Settings(
      long size, int blockBytes, int flags, String backend, Duration timeout, Duration dead) {}

  /**
   * Makes {@code node} a device with {@code sockets} to its server, which have gone through the
   * handshake. The kernel keeps them.
   *
   * @throws ErrnoException EBUSY if it is one already
   */
  void connect(NbdNode node, Settings settings, List<Fd> sockets) throws IOException {
    Attributes attributes =
        named(node, settings)
            .u64(BLOCK_SIZE, settings.blockBytes())
            .u64(SERVER_FLAGS, settings.flags())
            .u64(TIMEOUT, settings.timeout().toSeconds())
            .u64(DEAD_TIMEOUT, settings.dead().toSeconds())
            .nested(SOCKETS, numbers(sockets))
            .build();
    netlink.request("nbd: connect " + node.path(), family, CONNECT, attributes);
  }

  /**
   * Gives {@code node}, whose server has died, a new one. Its outstanding requests are sent again.
   */
  void reconnect(NbdNode node, Settings settings, List<Fd> sockets) throws IOException {
    Attributes attributes =
        named(node, settings)
            .u64(TIMEOUT, settings.timeout().toSeconds())
            .u64(DEAD_TIMEOUT, settings.dead().toSeconds())
            .nested(SOCKETS, numbers(sockets))
            .build();
    netlink.request("nbd: reconnect " + node.path(), family, RECONFIGURE, attributes);
  }

  /** Says that its size has changed. */
  void resize(NbdNode node, Settings settings) throws IOException {
    netlink.request(
        "nbd: resize " + node.path() + " to " + settings.size(),
        family,
        RECONFIGURE,
        named(node, settings).build());
  }

  /** Ends the device; what it has not been answered fails. Nothing happens if it is none. */
  void disconnect(NbdNode node) throws IOException {
    Attributes attributes = Attributes.builder().u32(INDEX, node.index()).build();
    try {
      netlink.request("nbd: disconnect " + node.path(), family, DISCONNECT, attributes);
    } catch (ErrnoException e) {
      if (node.isConnected()) {
        throw e;
      }
    }
  }

  private static Attributes.Builder named(NbdNode node, Settings settings) {
    return Attributes.builder()
        .u32(INDEX, node.index())
        .u64(SIZE, settings.size())
        .string(BACKEND, settings.backend());
  }

  private static Attributes numbers(List<Fd> sockets) throws IOException {
    var list = Attributes.builder();
    for (Fd socket : sockets) {
      list.nested(SOCKET_ITEM, Attributes.builder().u32(SOCKET_FD, socket.number()).build());
    }
    return list.build();
  }

  @Override
  public void close() throws IOException {
    netlink.close();
  }
}
