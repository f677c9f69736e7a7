package dev.obd.bench;

import dev.obd.format.LayerFile;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.format.zfile.Algorithm;
import dev.obd.format.zfile.ZFileWriter;
import dev.obd.format.zfile.ZFileWriterOptions;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSink;
import dev.obd.io.FileSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Random reads of a compressed layer in a local file, through the merged index and ZFile: look-up,
 * checksum, decompression. The file is in the page cache. Content compresses about as a file system
 * does: half of it text-like, half random.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class LayerReadBenchmark {
  private static final int DISK_BYTES = 64 << 20;

  @Param({"LZ4", "ZSTD"})
  public String algorithm = "LZ4";

  @Param({"4096", "65536"})
  public int readBytes = 4096;

  private Path file = Path.of("");
  private LayerStack stack;
  private ByteBuffer buffer = ByteBuffer.allocate(0);
  private final SplittableRandom random = new SplittableRandom(1);

  /** Packs a layer and opens it. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    byte[] disk = new byte[DISK_BYTES];
    SplittableRandom content = new SplittableRandom(2);
    for (int at = 0; at < disk.length; at++) {
      disk[at] = (byte) ((at >> 11 & 1) == 0 ? content.nextInt(256) : 'a' + content.nextInt(4));
    }
    file = Files.createTempFile("obd-bench", ".obd");
    ZFileWriterOptions options =
        ZFileWriterOptions.DEFAULT
            .withAlgorithm(Algorithm.valueOf(algorithm))
            .withOverwriteHeader(true);
    try (ZFileWriter out = ZFileWriter.open(FileSink.create(file), options)) {
      RawLayerWriter.write(
          BlockSources.ofBytes("disk", ByteBuffer.wrap(disk)),
          Optional.empty(),
          ImportOptions.NONE,
          out,
          done -> {});
      out.finish();
    }
    stack = LayerStack.open(List.of(SealedLayer.open(LayerFile.open(FileSource.open(file)))));
    buffer = ByteBuffer.allocateDirect(readBytes);
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    stack.close();
    Files.delete(file);
  }

  /** One aligned read at a random place. */
  @Benchmark
  public ByteBuffer read() throws IOException {
    long at = random.nextLong(DISK_BYTES / readBytes) * readBytes;
    stack.read(at, buffer.clear());
    return buffer;
  }
}
