package dev.obd.backstore.device;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Zeros that are really stored. */
final class Zeros {
  private static final int STEP = 256 << 10;
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(STEP).asReadOnlyBuffer();

  private Zeros() {}

  static void write(Disk disk, long offset, long length) throws IOException {
    for (long at = offset; at < offset + length; at += STEP) {
      disk.write(at, ZEROS.slice(0, (int) Math.min(STEP, offset + length - at)));
    }
  }
}
