package dev.obd.format.zfile;

import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;

/** Compresses and decompresses single blocks. Thread-safe. */
interface BlockCodec {
  /** The least number of bytes a block compresses to. */
  int MIN_COMPRESSED = 1;

  /** What a block of incompressible bytes may grow by, as upstream's write buffer. */
  int MAX_GROWTH = 512;

  /**
   * Decompresses {@code length} bytes of {@code src} from {@code offset} to {@code dst} from {@code
   * dstOffset}, absolute both. Positions do not move, and nothing outside {@code max} bytes is
   * written. Buffers are direct or have an accessible array.
   *
   * @return how many bytes were written, at most {@code max}
   * @throws DataFormatException if the bytes are malformed or decompress to more than {@code max}
   */
  int decompress(ByteBuffer src, int offset, int length, ByteBuffer dst, int dstOffset, int max)
      throws DataFormatException;

  /**
   * Compresses {@code length} bytes; {@code dst} has room for {@code length + MAX_GROWTH}.
   *
   * @return how many bytes were written
   */
  int compress(byte[] src, int offset, int length, byte[] dst, int dstOffset);

  /** The codec of an algorithm. Loads native code on first use. */
  static BlockCodec of(Algorithm algorithm) {
    return switch (algorithm) {
      case LZ4 -> Lz4Codec.FASTEST;
      case ZSTD -> ZstdCodec.INSTANCE;
    };
  }
}
