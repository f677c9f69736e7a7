package dev.obd.format.zfile;

/**
 * How a ZFile is read.
 *
 * @param readBytes most bytes of the blob asked for at once, {@code (0, 1 MiB]}; a single block may
 *     exceed it
 * @param maxBlocks most blocks accepted, which bounds the jump table's memory (4 bytes a block) to
 *     less than what the blob itself proves
 */
public record ZFileOptions(int readBytes, long maxBlocks) {
  /** As the original: 1,000,000,000 blocks. */
  public static final ZFileOptions DEFAULT = new ZFileOptions(1 << 20, JumpTable.MAX_BLOCKS);

  public ZFileOptions {
    if (readBytes <= 0 || readBytes > 1 << 20) {
      throw new IllegalArgumentException("readBytes: (0, 1048576] expected, got " + readBytes);
    }
    if (maxBlocks < 0 || maxBlocks > JumpTable.MAX_BLOCKS) {
      throw new IllegalArgumentException(
          "maxBlocks: [0, " + JumpTable.MAX_BLOCKS + "] expected, got " + maxBlocks);
    }
  }
}
