package dev.obd.format.zfile;

import dev.obd.format.MemorySink;
import dev.obd.format.crc.RawCrc32c;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What several tests of ZFiles do. */
final class ZFiles {
  private ZFiles() {}

  static byte[] write(byte[] content, ZFileWriterOptions options) throws IOException {
    MemorySink sink = MemorySink.likeAFile();
    try (ZFileWriter writer = ZFileWriter.open(sink, options)) {
      writer.write(ByteBuffer.wrap(content));
      writer.finish();
    }
    return sink.bytes();
  }

  static BlockSource source(byte[] bytes) {
    return BlockSources.ofBytes("blob", ByteBuffer.wrap(bytes));
  }

  static byte[] readAll(BlockSource source) throws IOException {
    return BlockSources.readFully(source, 0, Math.toIntExact(source.size())).array();
  }

  static ByteBuffer fields(byte[] file) {
    return ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Makes the digest of the record at {@code base} right again. */
  static void fixDigest(byte[] file, int base) {
    int at = base + ZFileHeader.Field.DIGEST.at;
    fields(file).putInt(at, 0);
    fields(file).putInt(at, RawCrc32c.of(0, file, base, ZFileHeader.BYTES));
  }

  static int trailerAt(byte[] file) {
    return file.length - ZFileHeader.BYTES;
  }
}
