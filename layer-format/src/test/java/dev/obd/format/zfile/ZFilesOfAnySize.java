package dev.obd.format.zfile;

import dev.obd.format.crc.RawCrc32c;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The obvious writer, for block sizes that the real one refuses. LZ4, checksums, overwritten. */
final class ZFilesOfAnySize {
  private ZFilesOfAnySize() {}

  static byte[] write(byte[] content, int blockBytes) {
    int blocks = (content.length + blockBytes - 1) / blockBytes;
    ByteBuffer out =
        ByteBuffer.allocate(1024 + blocks * (blockBytes + 520)).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer table = ByteBuffer.allocate(4 * blocks).order(ByteOrder.LITTLE_ENDIAN);
    out.position(512);
    for (int at = 0; at < content.length; at += blockBytes) {
      int length = Math.min(blockBytes, content.length - at);
      int start = out.position();
      int n = Lz4Codec.FASTEST.compress(content, at, length, out.array(), start);
      out.position(start + n).putInt(RawCrc32c.of(100_007, out.array(), start, n));
      table.putInt(n + 4);
    }
    var header =
        new ZFileHeader(
            0,
            0x1B,
            out.position(),
            blocks,
            content.length,
            RawCrc32c.of(0, table.array()),
            blockBytes,
            1,
            0,
            true);
    out.put(table.flip());
    out.put(0, header.encode().array());
    byte[] file = new byte[out.position()];
    out.get(0, file);
    return file;
  }
}
