package dev.obd.format.files;

import dev.obd.io.BlockSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/** A disk's blocks of metadata, of which the last few megabytes are kept. Thread-safe. */
public final class BlockCache {
  private static final int CACHE_BYTES = 4 << 20;

  private final BlockSource disk;
  private final int blockSize;
  private final Map<Long, ByteBuffer> recent =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, ByteBuffer> eldest) {
          return (long) size() * blockSize > CACHE_BYTES;
        }
      };

  /** Blocks of {@code blockSize} bytes. */
  public BlockCache(BlockSource disk, int blockSize) {
    this.disk = disk;
    this.blockSize = blockSize;
  }

  /**
   * A block, little-endian; the caller gets a view of its own and does not write.
   *
   * @param block number of the block, from the start of the disk
   */
  public ByteBuffer block(long block) throws IOException {
    ByteBuffer bytes;
    synchronized (recent) {
      bytes = recent.get(block);
    }
    if (bytes == null) {
      bytes = ByteBuffer.allocate(blockSize);
      disk.read(block * blockSize, bytes);
      bytes.flip();
      synchronized (recent) {
        recent.put(block, bytes);
      }
    }
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }
}
