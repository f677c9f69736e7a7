package dev.obd.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Checks and small sources that every implementation needs. */
public final class BlockSources {
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
