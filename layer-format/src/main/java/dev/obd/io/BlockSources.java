package dev.obd.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Checks and small sources that every implementation needs. */
public final class BlockSources {
  private static final int STREAM_PIECE_BYTES = 1 << 20;

  private BlockSources() {}

  /** Throws unless {@code [offset, offset + length)} lies inside {@code source}. */
  public static void checkRange(BlockSource source, long offset, long length) throws EOFException {
    if (offset < 0 || length < 0 || offset > source.size() - length) {
      throw new EOFException(
          source.name()
              + ": read of "
              + length
              + " bytes at "
              + offset
              + " leaves its "
              + source.size()
              + " bytes");
    }
  }

  /** Streams by reading one piece after the other. */
  static void streamReads(BlockSource source, Range range, ByteReceiver receiver)
      throws IOException {
    checkRange(source, range.offset(), range.length());
    boolean wanted = true;
    for (long at = range.offset(); wanted && at < range.end(); at += STREAM_PIECE_BYTES) {
      int length = (int) Math.min(STREAM_PIECE_BYTES, range.end() - at);
      ByteBuffer piece = ByteBuffer.allocate(length);
      source.read(at, piece);
      if (piece.hasRemaining()) {
        throw new IOException(
            source.name() + ": the source left " + piece.remaining() + " bytes unread");
      }
      wanted = receiver.take(piece.flip());
    }
  }

  /** Reads {@code length} bytes into a new little-endian buffer, ready to be read. */
  public static ByteBuffer readFully(BlockSource source, long offset, int length)
      throws IOException {
    BlockSources.checkRange(source, offset, length);
    ByteBuffer buffer = ByteBuffer.allocate(length).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    source.read(offset, buffer);
    return buffer.flip();
  }

  /** Bytes in memory, from {@code bytes}' position to its limit. */
  public static BlockSource ofBytes(String name, ByteBuffer bytes) {
    return new MemorySource(name, bytes.slice());
  }

  /**
   * {@code length} bytes of {@code base} from {@code offset}; closing the slice closes the base.
   */
  public static DerivedSource slice(BlockSource base, long offset, long length)
      throws EOFException {
    checkRange(base, offset, length);
    return new SliceSource(base, offset, length);
  }
}
