package dev.obd.netlink;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * One generic-netlink message.
 *
 * <pre>
 * offset field
 *      0 u32 length, with this header, without padding
 *      4 u16 type: 2 error or acknowledgement, 3 end of several, else the family
 *      6 u16 flags
 *      8 u32 sequence number: an answer has that of its request
 *     12 u32 port
 *     16 u8 command, u8 version, u16 reserved
 *     20 attributes
 * </pre>
 *
 * Types 2 and 3 have instead, from 16 on, an s32: zero or a negative error number.
 *
 * @param family the family's number, which {@link GenericNetlink#resolve} tells
 */
public record Message(
    int family, int flags, int sequence, int command, int version, Attributes attributes) {
  static final int ERROR = 2;
  static final int DONE = 3;
  static final int FIRST_FAMILY = 16;
  static final int REQUEST = 1;
  static final int ACK = 4;

  private static final int HEADER_BYTES = 16;
  private static final int TYPE_AT = 4;
  private static final int FLAGS_AT = 6;
  private static final int SEQUENCE_AT = 8;
  private static final int COMMAND_AT = 16;
  private static final int VERSION_AT = 17;
  private static final int ATTRIBUTES_AT = 20;

  /** What a datagram brings. */
  sealed interface Item {
    /** An error or, with {@code errno} 0, an acknowledgement. */
    record Outcome(int sequence, int errno) implements Item {}

    record Content(Message message) implements Item {}
  }

  /** All messages between position and limit; those that are no concern of ours are skipped. */
  static List<Item> decode(ByteBuffer datagram) throws ProtocolException {
    ByteBuffer in = datagram.slice().order(ByteOrder.nativeOrder());
    var items = new ArrayList<Item>();
    int at = 0;
    while (in.limit() - at >= HEADER_BYTES) {
      long length = Integer.toUnsignedLong(in.getInt(at));
      int type = Short.toUnsignedInt(in.getShort(at + TYPE_AT));
      int sequence = in.getInt(at + SEQUENCE_AT);
      int least = type == ERROR || type >= FIRST_FAMILY ? ATTRIBUTES_AT : HEADER_BYTES;
      if (length < least || length > in.limit() - at) {
        throw new ProtocolException(
            "netlink: message @"
                + at
                + " type "
                + type
                + ": length: expected "
                + least
                + " to "
                + (in.limit() - at)
                + ", got "
                + length);
      }
      int end = at + (int) length;
      if (type == ERROR) {
        items.add(new Item.Outcome(sequence, -in.getInt(at + HEADER_BYTES)));
      } else if (type == DONE) {
        items.add(new Item.Outcome(sequence, 0));
      } else if (type >= FIRST_FAMILY) {
        var attributes = Attributes.parse(in.slice(at + ATTRIBUTES_AT, end - at - ATTRIBUTES_AT));
        items.add(
            new Item.Content(
                new Message(
                    type,
                    Short.toUnsignedInt(in.getShort(at + FLAGS_AT)),
                    sequence,
                    Byte.toUnsignedInt(in.get(at + COMMAND_AT)),
                    Byte.toUnsignedInt(in.get(at + VERSION_AT)),
                    attributes)));
      }
      at = Math.min(in.limit(), at + Attributes.aligned((int) length));
    }
    return items;
  }

  /** A direct buffer with this message alone. */
  ByteBuffer encode() {
    int bytes = ATTRIBUTES_AT + attributes.encodedBytes();
    ByteBuffer out = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    out.putInt(bytes).putShort((short) family).putShort((short) flags).putInt(sequence).putInt(0);
    out.put((byte) command).put((byte) version).putShort((short) 0);
    attributes.encode(out);
    return out.flip();
  }
}
