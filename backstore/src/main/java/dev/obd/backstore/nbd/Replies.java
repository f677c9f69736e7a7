package dev.obd.backstore.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** Encodes transmission replies. */
final class Replies {
  static final int OFFSET_DATA_BYTES = Protocol.CHUNK_HEADER_BYTES + 8;
  static final int OFFSET_HOLE_BYTES = Protocol.CHUNK_HEADER_BYTES + 12;

  private Replies() {}

  static void simpleHeader(ByteBuf out, long cookie, NbdError error) {
    out.writeInt(Protocol.SIMPLE_REPLY_MAGIC);
    out.writeInt(error.code());
    out.writeLong(cookie);
  }

  static ByteBuf simple(ByteBufAllocator alloc, long cookie, NbdError error) {
    ByteBuf out = alloc.directBuffer(Protocol.SIMPLE_REPLY_BYTES);
    simpleHeader(out, cookie, error);
    return out;
  }

  static ByteBuf error(ByteBufAllocator alloc, long cookie, NbdError error, String reason) {
    byte[] text = reason.getBytes(UTF_8);
    ByteBuf out = alloc.directBuffer(Protocol.CHUNK_HEADER_BYTES + 6 + text.length);
    chunkHeader(out, cookie, Protocol.CHUNK_ERROR, true, 6 + text.length);
    out.writeInt(error.code());
    out.writeShort(text.length);
    return out.writeBytes(text);
  }

  /** {@code length} bytes of data follow. */
  static void offsetData(ByteBuf out, long cookie, boolean last, long offset, int length) {
    chunkHeader(out, cookie, Protocol.CHUNK_OFFSET_DATA, last, 8 + length);
    out.writeLong(offset);
  }

  static void offsetHole(ByteBuf out, long cookie, boolean last, long offset, int length) {
    chunkHeader(out, cookie, Protocol.CHUNK_OFFSET_HOLE, last, 12);
    out.writeLong(offset);
    out.writeInt(length);
  }

  static void chunkHeader(ByteBuf out, long cookie, int type, boolean last, int length) {
    out.writeInt(Protocol.STRUCTURED_REPLY_MAGIC);
    out.writeShort(last ? Protocol.CHUNK_DONE : 0);
    out.writeShort(type);
    out.writeLong(cookie);
    out.writeInt(length);
  }
}
