package dev.obd.format.zfile;

import java.util.concurrent.Executor;

/**
 * How a ZFile is written. The same content and options give the same bytes, however many workers
 * there are.
 *
 * @param algorithm how blocks are compressed
 * @param blockBytes uncompressed size of a block: 4096, 8192, 16384 or 32768, and 65536 if {@code
 *     allow64KiB}
 * @param verify whether each block is followed by its checksum; the original's tools always do so
 * @param overwriteHeader whether the header is rewritten at the end, so that a reader needs no
 *     trailer; needs a patchable sink
 * @param workers how many groups of blocks are compressed at once, at least 1
 * @param executor runs the workers; with one worker the writing thread does it all
 * @param allow64KiB whether 65536 is accepted as {@code blockBytes}: the original cannot read a
 *     block of that size which does not shrink
 */
public record ZFileWriterOptions(
    Algorithm algorithm,
    int blockBytes,
    boolean verify,
    boolean overwriteHeader,
    int workers,
    Executor executor,
    boolean allow64KiB) {

  /** LZ4, 4 KiB, checksums, header not overwritten, on the caller's thread. */
  public static final ZFileWriterOptions DEFAULT =
      new ZFileWriterOptions(Algorithm.LZ4, 4096, true, false, 1, Runnable::run, false);

  private static final int MAX_WORKERS = 256;

  public ZFileWriterOptions {
    boolean powerOfTwo = Integer.bitCount(blockBytes) == 1;
    int greatest = allow64KiB ? 65536 : 32768;
    if (!powerOfTwo || blockBytes < 4096 || blockBytes > greatest) {
      throw new IllegalArgumentException(
          "blockBytes: a power of two from 4096 to " + greatest + " expected, got " + blockBytes);
    }
    if (workers < 1 || workers > MAX_WORKERS) {
      throw new IllegalArgumentException(
          "workers: 1 to " + MAX_WORKERS + " expected, got " + workers);
    }
  }

  /** These options with another algorithm. */
  public ZFileWriterOptions withAlgorithm(Algorithm newAlgorithm) {
    return new ZFileWriterOptions(
        newAlgorithm, blockBytes, verify, overwriteHeader, workers, executor, allow64KiB);
  }

  /** These options with another block size, {@code [4096, 32768]}. */
  public ZFileWriterOptions withBlockBytes(int newBlockBytes) {
    return new ZFileWriterOptions(
        algorithm, newBlockBytes, verify, overwriteHeader, workers, executor, allow64KiB);
  }

  /** These options with blocks of 64 KiB, which the original may not be able to read. */
  public ZFileWriterOptions with64KiBBlocks() {
    return new ZFileWriterOptions(
        algorithm, 65536, verify, overwriteHeader, workers, executor, true);
  }

  /** These options with or without block checksums. */
  public ZFileWriterOptions withVerify(boolean newVerify) {
    return new ZFileWriterOptions(
        algorithm, blockBytes, newVerify, overwriteHeader, workers, executor, allow64KiB);
  }

  /** These options with or without rewriting the header. */
  public ZFileWriterOptions withOverwriteHeader(boolean newOverwriteHeader) {
    return new ZFileWriterOptions(
        algorithm, blockBytes, verify, newOverwriteHeader, workers, executor, allow64KiB);
  }

  /** These options with {@code newWorkers} groups of blocks compressed at once by an executor. */
  public ZFileWriterOptions withWorkers(int newWorkers, Executor newExecutor) {
    return new ZFileWriterOptions(
        algorithm, blockBytes, verify, overwriteHeader, newWorkers, newExecutor, allow64KiB);
  }
}
