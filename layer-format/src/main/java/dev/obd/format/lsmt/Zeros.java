package dev.obd.format.lsmt;

import java.nio.ByteBuffer;

/** Zeros without an allocation. */
final class Zeros {
  private static final ByteBuffer BLOCK = ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();

  private Zeros() {}

  /** Puts {@code count} zeros. */
  static void put(ByteBuffer dst, int count) {
    int left = count;
    while (left > 0) {
      int n = Math.min(left, BLOCK.capacity());
      // Absolute on both sides: the shared block's position never moves.
      dst.put(dst.position(), BLOCK, 0, n);
      dst.position(dst.position() + n);
      left -= n;
    }
  }

  /** A buffer of {@code count} zeros, at most 64 KiB. */
  static ByteBuffer buffer(int count) {
    return BLOCK.slice(0, count);
  }
}
