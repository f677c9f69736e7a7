package dev.obd.netlink;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The attributes of a message, in order. Immutable.
 *
 * <pre>
 * offset field
 *      0 u16 length, with this header, without padding
 *      2 u16 type; bit 15: its value is attributes
 *      4 value, padded with zeros to a multiple of 4
 * </pre>
 */
public final class Attributes {
  static final int HEADER_BYTES = 4;
  private static final int TYPE_MASK = 0x3fff;

  private record Attribute(int type, ByteBuffer value) {}

  private final List<Attribute> list;

  private Attributes(List<Attribute> list) {
    this.list = list;
  }

  public static Attributes none() {
    return new Attributes(List.of());
  }

  /**
   * Reads {@code bytes} from position to limit, which it copies.
   *
   * @throws ProtocolException if a length leaves the message
   */
  public static Attributes parse(ByteBuffer bytes) throws ProtocolException {
    ByteBuffer in = ByteBuffer.allocate(bytes.remaining()).put(bytes.duplicate()).flip();
    in.order(ByteOrder.nativeOrder());
    var list = new ArrayList<Attribute>();
    while (in.remaining() >= HEADER_BYTES) {
      int at = in.position();
      int length = Short.toUnsignedInt(in.getShort(at));
      int type = Short.toUnsignedInt(in.getShort(at + 2)) & TYPE_MASK;
      if (length < HEADER_BYTES || length > in.remaining()) {
        throw new ProtocolException(
            "netlink: attribute "
                + type
                + " @"
                + at
                + ": length: expected 4 to "
                + in.remaining()
                + ", got "
                + length);
      }
      list.add(new Attribute(type, in.slice(at + HEADER_BYTES, length - HEADER_BYTES)));
      in.position(Math.min(in.limit(), at + aligned(length)));
    }
    return new Attributes(List.copyOf(list));
  }

  static int aligned(int length) {
    return (length + 3) & ~3;
  }

  private Optional<ByteBuffer> value(int type) {
    for (Attribute attribute : list) {
      if (attribute.type == type) {
        return Optional.of(attribute.value.duplicate().order(ByteOrder.nativeOrder()));
      }
    }
    return Optional.empty();
  }

  private Optional<ByteBuffer> value(int type, int bytes) throws ProtocolException {
    Optional<ByteBuffer> value = value(type);
    if (value.isPresent() && value.get().remaining() != bytes) {
      throw new ProtocolException(
          "netlink: attribute "
              + type
              + ": expected "
              + bytes
              + " bytes, got "
              + value.get().remaining());
    }
    return value;
  }

  /** The first attribute of this type, which has 1 byte: 0 to 255. */
  public OptionalInt u8(int type) throws ProtocolException {
    Optional<ByteBuffer> value = value(type, Byte.BYTES);
    return value.isEmpty()
        ? OptionalInt.empty()
        : OptionalInt.of(Byte.toUnsignedInt(value.get().get()));
  }

  /** The first attribute of this type, which has 2 bytes: 0 to 65535. */
  public OptionalInt u16(int type) throws ProtocolException {
    Optional<ByteBuffer> value = value(type, Short.BYTES);
    return value.isEmpty()
        ? OptionalInt.empty()
        : OptionalInt.of(Short.toUnsignedInt(value.get().getShort()));
  }

  /** The first attribute of this type, which has 4 bytes: 0 to 2^32 - 1. */
  public OptionalLong u32(int type) throws ProtocolException {
    Optional<ByteBuffer> value = value(type, Integer.BYTES);
    return value.isEmpty()
        ? OptionalLong.empty()
        : OptionalLong.of(Integer.toUnsignedLong(value.get().getInt()));
  }

  /** The first attribute of this type, which has 8 bytes. */
  public OptionalLong u64(int type) throws ProtocolException {
    Optional<ByteBuffer> value = value(type, Long.BYTES);
    return value.isEmpty() ? OptionalLong.empty() : OptionalLong.of(value.get().getLong());
  }

  /** The first attribute of this type as text, without the zero at its end. */
  public Optional<String> string(int type) {
    return value(type)
        .map(bytes -> {
          String text = StandardCharsets.UTF_8.decode(bytes).toString();
          int end = text.indexOf('\0');
          return end < 0 ? text : text.substring(0, end);
        });
  }

  /** The first attribute of this type, whose value is attributes. */
  public Optional<Attributes> nested(int type) throws ProtocolException {
    Optional<ByteBuffer> value = value(type);
    return value.isEmpty() ? Optional.empty() : Optional.of(parse(value.get()));
  }

  /** All attributes as attributes themselves: what netlink has for a list. */
  public List<Attributes> elements() throws ProtocolException {
    var elements = new ArrayList<Attributes>();
    for (Attribute attribute : list) {
      elements.add(parse(attribute.value));
    }
    return elements;
  }

  /** How many there are. */
  public int count() {
    return list.size();
  }

  int encodedBytes() {
    return list.stream().mapToInt(a -> aligned(HEADER_BYTES + a.value.remaining())).sum();
  }

  void encode(ByteBuffer out) {
    for (Attribute attribute : list) {
      int length = HEADER_BYTES + attribute.value.remaining();
      out.putShort((short) length).putShort((short) attribute.type);
      out.put(attribute.value.duplicate());
      for (int i = length; i < aligned(length); i++) {
        out.put((byte) 0);
      }
    }
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Puts attributes together, in the order of the calls. Not thread-safe. */
  public static final class Builder {
    private static final int MAX_VALUE_BYTES = 0xffff - HEADER_BYTES;
    private final List<Attribute> list = new ArrayList<>();

    private Builder() {}

    public Builder u8(int type, int value) {
      return add(type, room(Byte.BYTES).put((byte) value));
    }

    public Builder u16(int type, int value) {
      return add(type, room(Short.BYTES).putShort((short) value));
    }

    public Builder u32(int type, long value) {
      return add(type, room(Integer.BYTES).putInt((int) value));
    }

    public Builder u64(int type, long value) {
      return add(type, room(Long.BYTES).putLong(value));
    }

    /** With a zero at its end, as the kernel wants it. */
    public Builder string(int type, String value) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      return add(type, room(bytes.length + 1).put(bytes).put((byte) 0));
    }

    public Builder nested(int type, Attributes value) {
      ByteBuffer bytes = room(value.encodedBytes());
      value.encode(bytes);
      return add(type | 0x8000, bytes);
    }

    private Builder add(int type, ByteBuffer value) {
      if (value.capacity() > MAX_VALUE_BYTES) {
        throw new IllegalArgumentException(
            "attribute " + type + ": at most " + MAX_VALUE_BYTES + " bytes");
      }
      list.add(new Attribute(type, value.flip()));
      return this;
    }

    private static ByteBuffer room(int bytes) {
      return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
    }

    public Attributes build() {
      return new Attributes(List.copyOf(list));
    }
  }
}
