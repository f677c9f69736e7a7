package dev.obd.format.erofs;

import dev.obd.format.files.BlockCache;
import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The disk as blocks of the file system. Thread-safe. */
final class Volume {
  private final BlockSource disk;
  private final Superblock superblock;
  private final BlockCache blocks;

  Volume(BlockSource disk, Superblock superblock) {
    this.disk = disk;
    this.superblock = superblock;
    this.blocks = new BlockCache(disk, 1 << superblock.blockBits());
  }

  BlockSource disk() {
    return disk;
  }

  Superblock superblock() {
    return superblock;
  }

  int blockSize() {
    return 1 << superblock.blockBits();
  }

  /** Metadata, little-endian, which may lie in two blocks; nobody writes to it. */
  ByteBuffer metadata(long offset, int length) throws IOException {
    int inBlock = (int) (offset & (blockSize() - 1));
    if (inBlock + length <= blockSize()) {
      return blocks
          .block(offset >> superblock.blockBits())
          .slice(inBlock, length)
          .order(ByteOrder.LITTLE_ENDIAN);
    }
    var joined = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (joined.hasRemaining()) {
      long at = offset + joined.position();
      int from = (int) (at & (blockSize() - 1));
      int n = Math.min(blockSize() - from, joined.remaining());
      joined.put(blocks.block(at >> superblock.blockBits()).slice(from, n));
    }
    return joined.flip();
  }

  /** Throws unless {@code length} bytes from {@code offset} lie on the disk. */
  void check(long at, String field, long offset, long length) throws FormatException {
    if (offset < 0 || length < 0 || offset > disk.size() - length) {
      throw bad(
          at, field, "bytes of a disk of " + disk.size(), "%d from %d".formatted(length, offset));
    }
  }

  FormatException bad(long at, String field, Object expected, Object actual) {
    return new FormatException(disk.name(), at, field, expected, actual);
  }
}
