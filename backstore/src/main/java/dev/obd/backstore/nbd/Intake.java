package dev.obd.backstore.nbd;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * Takes bytes off arriving buffers in pieces of a known length, or drops them. Holds no more than
 * the piece under way. Not thread-safe.
 */
final class Intake {
  private @Nullable ByteBuf piece;
  private long drop;

  /** The next piece fills {@code into}, which stays the caller's. */
  void collect(ByteBuf into) {
    piece = into;
  }

  /** The next piece is {@code length} bytes that nobody wants. */
  void drop(long length) {
    piece = null;
    drop = length;
  }

  /** Takes what is there; true once the piece is complete, which an empty one is at once. */
  boolean feed(ByteBuf in) {
    if (piece == null) {
      int taken = (int) Math.min(drop, in.readableBytes());
      in.skipBytes(taken);
      drop -= taken;
      return drop == 0;
    }
    piece.writeBytes(in, Math.min(piece.writableBytes(), in.readableBytes()));
    return !piece.isWritable();
  }
}
