package dev.obd.cli;

import dev.obd.backstore.build.PackOptions;
import dev.obd.format.zfile.Algorithm;
import dev.obd.format.zfile.ZFileWriterOptions;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of every command that makes a data layer. */
final class PackingOptions {
  private static final long UNREADABLE_ELSEWHERE = 64 << 10;

  @Option(
      names = "--algorithm",
      paramLabel = "lz4|zstd",
      description = "How blocks are compressed (default lz4; zstd is smaller and slower to read).")
  private Algorithm algorithm = Algorithm.LZ4;

  @Option(
      names = "--block-size",
      paramLabel = "SIZE",
      converter = Sizes.Converter.class,
      description = {
        "What is compressed as one: 4K (default), 8K, 16K or 32K.",
        "64K too, but overlaybd itself cannot read such a block if it does not shrink."
      })
  private @Nullable Long blockSize;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "How many processors compress (default: all). The result is the same.")
  private @Nullable Integer threads;

  /**
   * @param executor a thread per task
   * @throws IllegalArgumentException if a number is out of range
   */
  PackOptions options(Executor executor) {
    ZFileWriterOptions zfile = PackOptions.DEFAULTS.zfile().withAlgorithm(algorithm);
    if (blockSize != null) {
      zfile =
          blockSize == UNREADABLE_ELSEWHERE
              ? zfile.with64KiBBlocks()
              : zfile.withBlockBytes((int) Math.min(blockSize, Integer.MAX_VALUE));
    }
    int workers = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    return new PackOptions(zfile.withWorkers(workers, executor));
  }
}
