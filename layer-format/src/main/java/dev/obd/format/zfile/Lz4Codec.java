package dev.obd.format.zfile;

import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;

/**
 * LZ4 blocks. The native library compresses to the same bytes as the original; the pure Java one,
 * which serves where there is no native library, to others that decompress alike.
 */
final class Lz4Codec implements BlockCodec {
  static final Lz4Codec FASTEST = new Lz4Codec(fastest());

  private final LZ4Compressor compressor;

  // Never the "fast" decompressor: it cannot be told where the compressed bytes end.
  private final LZ4SafeDecompressor decompressor;

  Lz4Codec(LZ4Factory factory) {
    compressor = factory.fastCompressor();
    decompressor = factory.safeDecompressor();
  }

  private static LZ4Factory fastest() {
    try {
      return LZ4Factory.nativeInstance();
    } catch (LinkageError | AssertionError | RuntimeException e) { // no library for this platform
      return LZ4Factory.safeInstance();
    }
  }

  @Override
  public int decompress(
      ByteBuffer src, int offset, int length, ByteBuffer dst, int dstOffset, int max)
      throws DataFormatException {
    try {
      return decompressor.decompress(src, offset, length, dst, dstOffset, max);
    } catch (LZ4Exception e) {
      throw malformed("LZ4", e);
    }
  }

  @Override
  public int compress(byte[] src, int offset, int length, byte[] dst, int dstOffset) {
    return compressor.compress(src, offset, length, dst, dstOffset, length + MAX_GROWTH);
  }

  static DataFormatException malformed(String codec, Throwable cause) {
    var e = new DataFormatException(codec + ": " + cause.getMessage());
    e.initCause(cause);
    return e;
  }
}
