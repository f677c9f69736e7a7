package dev.obd.kernelnbd;

import dev.obd.nativeio.Fd;
import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The client's side of NBD's fixed newstyle negotiation, up to where the kernel takes over: plain
 * replies, no extensions. Numbers are big endian; docs/formats/nbd.md has the messages.
 */
final class Handshake {
  private static final long NBD_MAGIC = 0x4e42_444d_4147_4943L;
  private static final long OPTION_MAGIC = 0x4948_4156_454f_5054L;
  private static final long REPLY_MAGIC = 0x0003_e889_0455_65a9L;
  private static final int GREETING_BYTES = 18;
  private static final int FIXED_NEWSTYLE = 1;
  private static final int NO_ZEROES = 2;

  private static final int GO = 7;
  private static final int ACK = 1;
  private static final int INFO = 3;
  private static final int INFO_EXPORT = 0;
  private static final int INFO_EXPORT_BYTES = 12;
  private static final int REPLY_BYTES = 20;

  /** A server sends three or four. */
  private static final int MAX_REPLIES = 64;

  private static final int MAX_REPLY_BYTES = 8192;

  /**
   * What the server says of its export.
   *
   * @param size bytes
   * @param flags transmission flags
   */
  record Export(long size, int flags) {}

  private final Fd socket;

  private Handshake(Fd socket) {
    this.socket = socket;
  }

  /** Negotiates export {@code name} on a new connection; waits for the server. */
  static Export negotiate(Fd socket, String name) throws IOException {
    return new Handshake(socket).negotiate(name);
  }

  private Export negotiate(String name) throws IOException {
    ByteBuffer greeting = receive(GREETING_BYTES);
    expect("magic", NBD_MAGIC, greeting.getLong());
    expect("option magic", OPTION_MAGIC, greeting.getLong());
    int flags = Short.toUnsignedInt(greeting.getShort());
    if ((flags & FIXED_NEWSTYLE) == 0) {
      throw new ProtocolException(socket.name() + ": no fixed newstyle: flags " + flags);
    }
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    ByteBuffer go = ByteBuffer.allocateDirect(26 + bytes.length);
    go.putInt(flags & (FIXED_NEWSTYLE | NO_ZEROES));
    go.putLong(OPTION_MAGIC).putInt(GO).putInt(6 + bytes.length);
    go.putInt(bytes.length).put(bytes).putShort((short) 0);
    send(go.flip());
    return replies();
  }

  private Export replies() throws IOException {
    Export export = null;
    for (int i = 0; i < MAX_REPLIES; i++) {
      ByteBuffer header = receive(REPLY_BYTES);
      expect("reply magic", REPLY_MAGIC, header.getLong());
      expect("reply option", GO, header.getInt());
      int type = header.getInt();
      long length = Integer.toUnsignedLong(header.getInt());
      if (length > MAX_REPLY_BYTES) {
        throw new ProtocolException(
            socket.name() + ": reply length: at most " + MAX_REPLY_BYTES + ", got " + length);
      }
      ByteBuffer data = receive((int) length);
      if (type < 0) { // the top bit means an error
        throw new ProtocolException(
            socket.name()
                + ": refused: 0x"
                + Integer.toHexString(type)
                + " "
                + StandardCharsets.UTF_8.decode(data));
      }
      if (type == ACK) {
        if (export == null) {
          throw new ProtocolException(socket.name() + ": accepted without a size");
        }
        return export;
      }
      if (type == INFO && length == INFO_EXPORT_BYTES && data.getShort() == INFO_EXPORT) {
        export = new Export(data.getLong(), Short.toUnsignedInt(data.getShort()));
      }
    }
    throw new ProtocolException(socket.name() + ": more than " + MAX_REPLIES + " replies");
  }

  private void expect(String field, long expected, long got) throws ProtocolException {
    if (got != expected) {
      throw new ProtocolException(
          String.format("%s: %s: expected 0x%x, got 0x%x", socket.name(), field, expected, got));
    }
  }

  private ByteBuffer receive(int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(bytes);
    while (buffer.hasRemaining()) {
      if (socket.read(buffer) == 0) {
        throw new EOFException(socket.name() + ": the server hung up during the handshake");
      }
    }
    return buffer.flip();
  }

  private void send(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      socket.write(bytes);
    }
  }
}
