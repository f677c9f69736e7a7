package dev.obd.bench;

import dev.obd.format.crc.RawCrc32c;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The seedable CRC-32C of ZFile blocks, beside the JDK's own, which it is built on. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ChecksumBenchmark {
  @Param({"4096", "65536"})
  public int bytes = 4096;

  private ByteBuffer data = ByteBuffer.allocate(0);

  @Setup
  public void fill() {
    byte[] content = new byte[bytes];
    new SplittableRandom(1).nextBytes(content);
    data = ByteBuffer.allocateDirect(bytes).put(content).flip();
  }

  @Benchmark
  public int seeded() {
    return RawCrc32c.of(100_007, data);
  }

  @Benchmark
  public long jdk() {
    CRC32C crc = new CRC32C();
    crc.update(data.duplicate());
    return crc.getValue();
  }
}
