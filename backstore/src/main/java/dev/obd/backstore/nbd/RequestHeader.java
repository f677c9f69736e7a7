package dev.obd.backstore.nbd;

import io.netty.buffer.ByteBuf;

/**
 * A transmission request without its payload.
 *
 * @param offset unsigned on the wire; what exceeds a long is negative here and outside any disk
 * @param length 0 to 2^32 - 1
 */
record RequestHeader(int flags, int type, long cookie, long offset, long length) {
  /** Reads the 24 bytes after the magic. */
  static RequestHeader decode(ByteBuf in) {
    return new RequestHeader(
        in.readUnsignedShort(),
        in.readUnsignedShort(),
        in.readLong(),
        in.readLong(),
        in.readUnsignedInt());
  }

  boolean has(int flag) {
    return (flags & flag) != 0;
  }

  /** Flags this command may carry; FUA is harmless everywhere. */
  boolean flagsAreKnown(boolean structured) {
    int known =
        Protocol.CMD_FLAG_FUA
            | switch (type) {
              case Protocol.CMD_READ -> structured ? Protocol.CMD_FLAG_DF : 0;
              case Protocol.CMD_WRITE_ZEROES ->
                  Protocol.CMD_FLAG_NO_HOLE | Protocol.CMD_FLAG_FAST_ZERO;
              case Protocol.CMD_BLOCK_STATUS -> Protocol.CMD_FLAG_REQ_ONE;
              default -> 0;
            };
    return (flags & ~known) == 0;
  }

  boolean changesTheDisk() {
    return switch (type) {
      case Protocol.CMD_WRITE, Protocol.CMD_TRIM, Protocol.CMD_WRITE_ZEROES -> true;
      default -> false;
    };
  }
}
