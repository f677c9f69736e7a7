package dev.obd.backstore.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** Speaks NBD byte by byte, so that a test can say what no client would. */
final class RawPeer implements Closeable {
  /** An answer to an option. */
  record OptionReply(int option, int type, byte[] data) {
    String text() {
      return new String(data, StandardCharsets.UTF_8);
    }
  }

  /** One chunk of a structured reply. */
  record Chunk(int flags, int type, long cookie, byte[] data) {
    ByteBuffer buffer() {
      return ByteBuffer.wrap(data);
    }
  }

  private final SocketChannel channel;
  final DataInputStream in;
  final DataOutputStream out;

  RawPeer(NbdServer server) throws IOException {
    channel = SocketChannel.open(NbdUri.parse(URI.create(server.uri(""))).address());
    in = new DataInputStream(Channels.newInputStream(channel));
    out = new DataOutputStream(Channels.newOutputStream(channel));
  }

  /** Takes the greeting and sends {@code flags}. */
  RawPeer greet(int flags) throws IOException {
    assertThat(in.readLong()).isEqualTo(Protocol.NBD_MAGIC);
    assertThat(in.readLong()).isEqualTo(Protocol.OPTION_MAGIC);
    assertThat(in.readShort()).isEqualTo((short) 3);
    out.writeInt(flags);
    return this;
  }

  RawPeer greet() throws IOException {
    return greet(3);
  }

  void option(int option, byte... data) throws IOException {
    send(
        ByteBuffer.allocate(16 + data.length)
            .putLong(Protocol.OPTION_MAGIC)
            .putInt(option)
            .putInt(data.length)
            .put(data));
  }

  OptionReply reply() throws IOException {
    assertThat(in.readLong()).isEqualTo(Protocol.OPTION_REPLY_MAGIC);
    int option = in.readInt();
    int type = in.readInt();
    return new OptionReply(option, type, in.readNBytes(in.readInt()));
  }

  /** The type of the last reply to an option, past all information. */
  int outcome() throws IOException {
    while (true) {
      int type = reply().type();
      if (type == Protocol.REP_ACK || type < 0) {
        return type;
      }
    }
  }

  static byte[] info(String export, int... wanted) {
    byte[] name = export.getBytes(StandardCharsets.UTF_8);
    var data = ByteBuffer.allocate(4 + name.length + 2 + 2 * wanted.length);
    data.putInt(name.length).put(name).putShort((short) wanted.length);
    for (int w : wanted) {
      data.putShort((short) w);
    }
    return data.array();
  }

  static byte[] meta(String export, String... contexts) {
    byte[] name = export.getBytes(StandardCharsets.UTF_8);
    var data = ByteBuffer.allocate(4096).putInt(name.length).put(name).putInt(contexts.length);
    for (String context : contexts) {
      data.putInt(context.length()).put(context.getBytes(StandardCharsets.UTF_8));
    }
    byte[] bytes = new byte[data.position()];
    data.flip().get(bytes);
    return bytes;
  }

  /** Simple replies. */
  RawPeer go(String export) throws IOException {
    greet();
    option(Protocol.OPT_GO, info(export));
    assertThat(outcome()).isEqualTo(Protocol.REP_ACK);
    return this;
  }

  /** Structured replies and base:allocation. */
  RawPeer goStructured(String export) throws IOException {
    greet();
    option(Protocol.OPT_STRUCTURED_REPLY);
    assertThat(outcome()).isEqualTo(Protocol.REP_ACK);
    option(Protocol.OPT_SET_META_CONTEXT, meta(export, Protocol.BASE_ALLOCATION));
    assertThat(outcome()).isEqualTo(Protocol.REP_ACK);
    option(Protocol.OPT_GO, info(export));
    assertThat(outcome()).isEqualTo(Protocol.REP_ACK);
    return this;
  }

  void request(int type, int flags, long cookie, long offset, long length, byte... payload)
      throws IOException {
    send(
        ByteBuffer.allocate(28 + payload.length)
            .putInt(Protocol.REQUEST_MAGIC)
            .putShort((short) flags)
            .putShort((short) type)
            .putLong(cookie)
            .putLong(offset)
            .putInt((int) length)
            .put(payload));
  }

  /** Expects a simple reply to {@code cookie} and returns its error. */
  int simple(long cookie) throws IOException {
    assertThat(in.readInt()).isEqualTo(Protocol.SIMPLE_REPLY_MAGIC);
    int error = in.readInt();
    assertThat(in.readLong()).isEqualTo(cookie);
    return error;
  }

  Chunk chunk() throws IOException {
    assertThat(in.readInt()).isEqualTo(Protocol.STRUCTURED_REPLY_MAGIC);
    int flags = in.readUnsignedShort();
    int type = in.readUnsignedShort();
    long cookie = in.readLong();
    return new Chunk(flags, type, cookie, in.readNBytes(in.readInt()));
  }

  void send(ByteBuffer bytes) throws IOException {
    send(bytes.array());
  }

  void send(byte[] bytes) throws IOException {
    out.write(bytes);
  }

  /** True if the server closed the connection and sent nothing more. */
  boolean isClosed() {
    try {
      return in.read() < 0;
    } catch (IOException _) {
      return true; // reset
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
