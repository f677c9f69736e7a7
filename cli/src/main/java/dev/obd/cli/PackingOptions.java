package dev.obd.cli;

import dev.obd.backstore.build.PackOptions;
import dev.obd.format.zfile.Algorithm;
import dev.obd.format.zfile.ZFileWriterOptions;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of every command that compresses a layer. */
final class PackingOptions {
  private static final long UNREADABLE_ELSEWHERE = 64 << 10;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--algorithm",
      paramLabel = "lz4|zstd",
      description = "How blocks are compressed (default lz4; zstd is smaller and slower to read).")
  private @Nullable Algorithm algorithm;

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

  /** The first option that was given. */
  Optional<String> given() {
    if (algorithm != null) {
      return Optional.of("--algorithm");
    }
    if (blockSize != null) {
      return Optional.of("--block-size");
    }
    return threads == null ? Optional.empty() : Optional.of("--threads");
  }

  /**
   * How layers of images are packed.
   *
   * @param executor a thread per task
   * @throws IllegalArgumentException if a number is out of range
   */
  PackOptions options(Executor executor) {
    return new PackOptions(zfile(executor).withOverwriteHeader(true));
  }

  /** The compression alone, its header not overwritten; otherwise as {@link #options}. */
  ZFileWriterOptions zfile(Executor executor) {
    int workers = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    ZFileWriterOptions zfile =
        ZFileWriterOptions.DEFAULT
            .withAlgorithm(algorithm == null ? Algorithm.LZ4 : algorithm)
            .withWorkers(workers, executor);
    if (blockSize == null) {
      return zfile;
    }
    if (Long.bitCount(blockSize) != 1 || blockSize < 4096 || blockSize > UNREADABLE_ELSEWHERE) {
      throw new IllegalArgumentException(
          "--block-size: expected 4K, 8K, 16K, 32K or 64K, got " + blockSize + " bytes");
    }
    if (blockSize == UNREADABLE_ELSEWHERE) {
      command
          .commandLine()
          .getErr()
          .println("warning: overlaybd cannot read a block of 64K that does not shrink");
      return zfile.with64KiBBlocks();
    }
    return zfile.withBlockBytes(Math.toIntExact(blockSize));
  }
}
