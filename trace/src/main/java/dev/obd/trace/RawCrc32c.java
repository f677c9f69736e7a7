package dev.obd.trace;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC-32C that starts at 0 and is not inverted at the end, the checksum of traces. */
final class RawCrc32c {
  private RawCrc32c() {}

  /** Of the bytes between position and limit, which stay as they are. */
  static int of(ByteBuffer bytes) {
    var crc = new CRC32C();
    // The JDK's register starts at ~0; four bytes of ones bring it to 0, where this CRC starts.
    crc.update(new byte[] {-1, -1, -1, -1});
    crc.update(bytes.duplicate());
    return ~(int) crc.getValue();
  }
}
