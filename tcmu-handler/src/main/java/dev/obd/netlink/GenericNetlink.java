package dev.obd.netlink;

import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import dev.obd.nativeio.NetlinkSocket;
import java.io.Closeable;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A connection to the kernel's generic-netlink families. One connection is for requests or for
 * events: a request throws away events that come in between. Requests are thread-safe and follow
 * each other; events are for one thread. No method waits for more than the kernel's handling of a
 * request.
 */
public final class GenericNetlink implements Closeable {
  /** Larger than any datagram the kernel sends. */
  private static final int DATAGRAM_BYTES = 64 << 10;

  /** An answer takes one or two; more is not an answer any more. */
  private static final int MAX_ANSWERS = 4096;

  private static final int CONTROL_FAMILY = 16;
  private static final int CONTROL_VERSION = 2;
  private static final int GET_FAMILY = 3;
  private static final int FAMILY_ID = 1;
  private static final int FAMILY_NAME = 2;
  private static final int FAMILY_VERSION = 3;
  private static final int MULTICAST_GROUPS = 7;
  private static final int GROUP_NAME = 1;
  private static final int GROUP_ID = 2;

  /**
   * A family that this kernel has.
   *
   * @param id its number, the same until its module is loaded anew
   * @param groups numbers of its multicast groups, by name
   */
  public record Family(String name, int id, int version, Map<String, Integer> groups) {
    public Family {
      groups = Map.copyOf(groups);
    }
  }

  private final NetlinkSocket socket;
  private final ByteBuffer datagram = ByteBuffer.allocateDirect(DATAGRAM_BYTES);
  private int sequence;

  private GenericNetlink(NetlinkSocket socket) {
    this.socket = socket;
  }

  public static GenericNetlink open() throws IOException {
    return new GenericNetlink(NetlinkSocket.open());
  }

  /** To be polled for events. */
  public Fd fd() {
    return socket.fd();
  }

  /** For options and memberships. */
  public NetlinkSocket socket() {
    return socket;
  }

  /**
   * Finds a family.
   *
   * @throws ErrnoException ENOENT if this kernel does not have it, or not yet
   */
  public Family resolve(String name) throws IOException {
    Attributes wanted = Attributes.builder().string(FAMILY_NAME, name).build();
    for (Message answer :
        request("resolve " + name, CONTROL_FAMILY, GET_FAMILY, CONTROL_VERSION, wanted)) {
      Attributes found = answer.attributes();
      if (answer.family() == CONTROL_FAMILY && found.string(FAMILY_NAME).orElse("").equals(name)) {
        int id = found.u16(FAMILY_ID).orElseThrow(() -> missing(name, "id"));
        int version = (int) found.u32(FAMILY_VERSION).orElse(1);
        return new Family(name, id, version, groups(name, found));
      }
    }
    throw new ErrnoException("netlink(resolve " + name + ")", Errno.ENOENT.number());
  }

  private static Map<String, Integer> groups(String name, Attributes found)
      throws ProtocolException {
    var groups = new HashMap<String, Integer>();
    for (Attributes group : found.nested(MULTICAST_GROUPS).orElse(Attributes.none()).elements()) {
      String called = group.string(GROUP_NAME).orElseThrow(() -> missing(name, "group name"));
      groups.put(called, (int) group.u32(GROUP_ID).orElseThrow(() -> missing(name, "group id")));
    }
    return groups;
  }

  private static ProtocolException missing(String family, String what) {
    return new ProtocolException("netlink: family " + family + ": no " + what);
  }

  /**
   * {@link #request(String, int, int, int, Attributes)} of a family, in the version it speaks.
   *
   * @param what for messages: what is asked
   */
  public List<Message> request(String what, Family family, int command, Attributes attributes)
      throws IOException {
    return request(what, family.id(), command, family.version(), attributes);
  }

  /**
   * Sends a request that is acknowledged, and returns what was answered before that.
   *
   * @throws ErrnoException if the kernel refuses it
   */
  public synchronized List<Message> request(
      String what, int family, int command, int version, Attributes attributes) throws IOException {
    int number = ++sequence;
    var message =
        new Message(family, Message.REQUEST | Message.ACK, number, command, version, attributes);
    socket.send(message.encode());
    // What the kernel has to say it has said by now, so there is nothing to wait for.
    var answers = new ArrayList<Message>();
    while (true) {
      datagram.clear();
      if (!socket.receive(datagram)) {
        throw new ProtocolException("netlink: " + what + ": no answer");
      }
      for (Message.Item item : Message.decode(datagram.flip())) {
        switch (item) {
          case Message.Item.Outcome(int of, int errno) when of == number -> {
            if (errno != 0) {
              throw new ErrnoException("netlink(" + what + ")", errno);
            }
            return List.copyOf(answers);
          }
          case Message.Item.Content(Message answer)
              when answer.sequence() == number && answers.size() < MAX_ANSWERS ->
              answers.add(answer);
          case Message.Item.Outcome _, Message.Item.Content _ -> {} // of something else
        }
      }
    }
  }

  /**
   * The events that the next datagram brings; empty if none is there. Does not wait.
   *
   * @throws ErrnoException ENOBUFS if events were lost
   * @throws ProtocolException if the datagram makes no sense; what it brought is lost
   */
  public synchronized List<Message> events() throws IOException {
    datagram.clear();
    var events = new ArrayList<Message>();
    if (socket.receive(datagram)) {
      for (Message.Item item : Message.decode(datagram.flip())) {
        if (item instanceof Message.Item.Content(Message event)) {
          events.add(event);
        }
      }
    }
    return events;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
