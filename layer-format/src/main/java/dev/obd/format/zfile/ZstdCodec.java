package dev.obd.format.zfile;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;

/**
 * Zstandard frames, compressed at level 3. Contexts are reused: a fresh one per block costs more
 * than the block.
 */
final class ZstdCodec implements BlockCodec {
  static final ZstdCodec INSTANCE = new ZstdCodec();

  private static final int LEVEL = 3;
  private static final int IDLE = 16;

  private final Pool<ZstdDecompressCtx> decompressors = new Pool<>(IDLE);
  private final Pool<ZstdCompressCtx> compressors = new Pool<>(IDLE);

  private ZstdCodec() {}

  @Override
  public int decompress(
      ByteBuffer src, int offset, int length, ByteBuffer dst, int dstOffset, int max)
      throws DataFormatException {
    ZstdDecompressCtx context = decompressors.take();
    if (context == null) {
      context = new ZstdDecompressCtx();
    }
    try {
      return decompress(context, src, offset, length, dst, dstOffset, max);
    } catch (ZstdException e) {
      throw Lz4Codec.malformed("Zstandard", e);
    } finally {
      if (!decompressors.give(context)) {
        context.close();
      }
    }
  }

  private static int decompress(
      ZstdDecompressCtx context,
      ByteBuffer src,
      int at,
      int length,
      ByteBuffer dst,
      int dstAt,
      int max) {
    if (src.isDirect()) {
      return dst.isDirect()
          ? context.decompressDirectByteBuffer(dst, dstAt, max, src, at, length)
          : context.decompressDirectByteBufferToByteArray(
              dst.array(), dst.arrayOffset() + dstAt, max, src, at, length);
    }
    return dst.isDirect()
        ? context.decompressByteArrayToDirectByteBuffer(
            dst, dstAt, max, src.array(), src.arrayOffset() + at, length)
        : context.decompressByteArray(
            dst.array(),
            dst.arrayOffset() + dstAt,
            max,
            src.array(),
            src.arrayOffset() + at,
            length);
  }

  @Override
  public int compress(byte[] src, int offset, int length, byte[] dst, int dstOffset) {
    ZstdCompressCtx context = compressors.take();
    if (context == null) {
      context = new ZstdCompressCtx().setLevel(LEVEL);
    }
    try {
      return context.compressByteArray(dst, dstOffset, length + MAX_GROWTH, src, offset, length);
    } finally {
      if (!compressors.give(context)) {
        context.close();
      }
    }
  }
}
