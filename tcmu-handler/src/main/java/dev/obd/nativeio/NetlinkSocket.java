package dev.obd.nativeio;

import java.io.Closeable;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A generic-netlink socket: messages to and from the kernel. Only what the kernel itself sent is
 * received. Thread-safe; two threads that receive share the messages between them.
 */
public final class NetlinkSocket implements Closeable {
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW = 3;
  private static final int NETLINK_GENERIC = 16;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_TRUNC = 0x20;

  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVBUF = 8;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int SO_MEMINFO = 55;
  private static final int MEMORY_BYTES = 9 * Integer.BYTES;
  private static final int DROPS_AT = 8 * Integer.BYTES;
  private static final int SOL_NETLINK = 270;
  private static final int NETLINK_ADD_MEMBERSHIP = 1;
  private static final int NETLINK_DROP_MEMBERSHIP = 2;
  private static final int NETLINK_NO_ENOBUFS = 5;

  // struct sockaddr_nl: family 0, port 4, groups 8
  private static final int ADDRESS_BYTES = 12;
  private static final int PORT_AT = 4;

  private final Fd fd;

  private NetlinkSocket(Fd fd) {
    this.fd = fd;
  }

  public static NetlinkSocket open() throws IOException {
    int number = LibC.calls().socket(AF_NETLINK, SOCK_RAW | Fd.CLOSE_ON_EXEC, NETLINK_GENERIC);
    Fd fd = Fd.adopt(LibC.checked(number, "socket(netlink)"), "netlink");
    try {
      LibC.checked(LibC.calls().bind(fd.number(), address(), ADDRESS_BYTES), "bind(netlink)");
      return new NetlinkSocket(fd);
    } catch (IOException e) {
      fd.close();
      throw e;
    }
  }

  /** To be polled. */
  public Fd fd() {
    return fd;
  }

  /** From now on messages to the multicast group with this number are received, too. */
  public void join(int group) throws IOException {
    set("NETLINK_ADD_MEMBERSHIP", SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  /** Undoes {@link #join}. */
  public void leave(int group) throws IOException {
    set("NETLINK_DROP_MEMBERSHIP", SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, group);
  }

  /** Asks for room for this many bytes of messages; beyond the system's limit only as root. */
  public void receiveBuffer(int bytes) throws IOException {
    try {
      set("SO_RCVBUFFORCE", SOL_SOCKET, SO_RCVBUFFORCE, bytes);
    } catch (ErrnoException e) {
      if (!e.is(Errno.EPERM)) {
        throw e;
      }
      set("SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, bytes);
    }
  }

  /** How many messages there was no room for, since this was opened. */
  public long drops() throws IOException {
    ByteBuffer counters = ByteBuffer.allocateDirect(MEMORY_BYTES).order(ByteOrder.nativeOrder());
    ByteBuffer bytes = ByteBuffer.allocateDirect(Integer.BYTES).order(ByteOrder.nativeOrder());
    bytes.putInt(0, MEMORY_BYTES);
    LibC.checked(
        LibC.calls().getsockopt(fd.number(), SOL_SOCKET, SO_MEMINFO, counters, bytes),
        "getsockopt(netlink, SO_MEMINFO)");
    return Integer.toUnsignedLong(counters.getInt(DROPS_AT));
  }

  /**
   * Messages that find no room do not make {@link #receive} fail, and those after them are
   * received; {@link #drops} counts them.
   */
  public void dropSilently() throws IOException {
    set("NETLINK_NO_ENOBUFS", SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
  }

  /** Sends one message, a direct buffer, to the kernel. It has been handled when this returns. */
  public void send(ByteBuffer message) throws IOException {
    int bytes = message.remaining();
    long sent;
    do {
      sent = LibC.calls().sendto(fd.number(), message, bytes, 0, address(), ADDRESS_BYTES);
    } while (sent < 0 && LibC.errno() == Errno.EINTR.number());
    if (sent < 0) {
      throw new ErrnoException("sendto(netlink, " + bytes + " bytes)", LibC.errno());
    }
  }

  /**
   * Receives the next datagram, one or more messages, into {@code into}, a direct buffer, from its
   * position on. Does not wait.
   *
   * @return false if none is there
   * @throws ErrnoException ENOBUFS if messages were lost
   * @throws ProtocolException if it is longer than the buffer; it is lost
   */
  public boolean receive(ByteBuffer into) throws IOException {
    while (true) {
      ByteBuffer sender = address();
      ByteBuffer senderBytes =
          ByteBuffer.allocateDirect(Integer.BYTES).order(ByteOrder.nativeOrder());
      senderBytes.putInt(0, ADDRESS_BYTES);
      long count =
          LibC.calls()
              .recvfrom(
                  fd.number(),
                  into,
                  into.remaining(),
                  MSG_DONTWAIT | MSG_TRUNC,
                  sender,
                  senderBytes);
      if (count < 0) {
        int errno = LibC.errno();
        if (errno == Errno.EAGAIN.number()) {
          return false;
        }
        if (errno == Errno.EINTR.number()) {
          continue;
        }
        throw new ErrnoException("recvfrom(netlink)", errno);
      }
      if (senderBytes.getInt(0) < ADDRESS_BYTES || sender.getInt(PORT_AT) != 0) {
        continue; // any process may send to us; only the kernel has port 0
      }
      if (count > into.remaining()) {
        throw new ProtocolException(
            "netlink: a message of " + count + " bytes; at most " + into.remaining());
      }
      into.position(into.position() + (int) count);
      return true;
    }
  }

  private void set(String label, int level, int option, int value) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(Integer.BYTES).order(ByteOrder.nativeOrder());
    bytes.putInt(0, value);
    LibC.checked(
        LibC.calls().setsockopt(fd.number(), level, option, bytes, Integer.BYTES),
        "setsockopt(netlink, " + label + ", " + value + ")");
  }

  /** The kernel's; also where a sender's address is put. */
  private static ByteBuffer address() {
    ByteBuffer address = ByteBuffer.allocateDirect(ADDRESS_BYTES).order(ByteOrder.nativeOrder());
    return address.putShort(0, (short) AF_NETLINK);
  }

  @Override
  public void close() throws IOException {
    fd.close();
  }
}
