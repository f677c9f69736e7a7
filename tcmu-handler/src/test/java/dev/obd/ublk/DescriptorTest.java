package dev.obd.ublk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.Request;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DescriptorTest {
  private static final int FUA = 1 << 13;
  private static final int NO_UNMAP = 1 << 15;
  private static final int BUFFER = 4096;

  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);

  private Request request(int operation, int sectors, long first) {
    return new Descriptor(operation, sectors, first).request(buffer).orElse(null);
  }

  @Test
  void fieldsAreWhereTheKernelPutsThem() {
    ByteBuffer area = ByteBuffer.allocate(3 * Descriptor.BYTES).order(ByteOrder.nativeOrder());
    area.putInt(48, 1 | FUA).putInt(52, 8).putLong(56, 1L << 40).putLong(64, -1);
    assertThat(Descriptor.read(area, 48)).isEqualTo(new Descriptor(1 | FUA, 8, 1L << 40));
  }

  @Test
  void aReadFillsThePartOfTheBufferThatItAsksFor() {
    assertThat(request(0, 2, 3))
        .isInstanceOfSatisfying(
            Request.Read.class,
            read -> {
              assertThat(read.offset()).isEqualTo(1536);
              assertThat(read.into().remaining()).isEqualTo(1024);
            });
    assertThat(new Descriptor(0, 2, 3).moved()).isEqualTo(1024);
  }

  @Test
  void flagsAreThoseOfTheKernel() {
    assertThat(request(1 | FUA, 1, 0))
        .isInstanceOfSatisfying(Request.Write.class, write -> assertThat(write.fua()).isTrue());
    assertThat(request(1 | 1 << 8, 1, 0))
        .isInstanceOfSatisfying(Request.Write.class, write -> assertThat(write.fua()).isFalse());
    assertThat(request(5, 16, 8)).isEqualTo(new Request.WriteZeroes(4096, 8192, true, false));
    assertThat(request(5 | NO_UNMAP | FUA, 16, 8))
        .isEqualTo(new Request.WriteZeroes(4096, 8192, false, true));
    assertThat(request(3, 16, 8)).isEqualTo(new Request.Discard(4096, 8192, false));
    assertThat(new Descriptor(3, 16, 8).moved()).isZero();
  }

  @Test
  void aFlushHasNoPlace() {
    assertThat(request(2, 0, -1)).isEqualTo(new Request.Flush());
  }

  @Test
  void whatDoesNotFitIsNoRequest() {
    assertThat(request(0, BUFFER / 512 + 1, 0)).isNull();
    assertThat(request(1, -1, 0)).isNull();
    assertThat(request(0, 1, -1)).isNull();
    assertThat(request(0, 1, Long.MAX_VALUE / 512 + 1)).isNull();
    assertThat(request(4, 1, 0)).isNull();
    assertThat(request(18, 1, 0)).isNull();
  }

  static long[] seeds() {
    return new long[] {1, 2, System.nanoTime()};
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void noNoiseMakesMoreThanTheBufferHolds(long seed) {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 10_000; i++) {
      var noise =
          new Descriptor(
              random.nextInt(), random.nextInt() >>> random.nextInt(32), random.nextLong());
      noise
          .request(buffer)
          .ifPresent(request -> {
            switch (request) {
              case Request.Read(long offset, ByteBuffer into) -> {
                assertThat(offset).isNotNegative();
                assertThat(into.remaining()).isBetween(0, BUFFER).isEqualTo(noise.moved());
              }
              case Request.Write(long offset, ByteBuffer from, _) -> {
                assertThat(offset).isNotNegative();
                assertThat(from.remaining()).isBetween(0, BUFFER).isEqualTo(noise.moved());
              }
              case Request.Discard(long offset, long length, _) -> {
                assertThat(offset).isNotNegative();
                assertThat(length).isBetween(0L, (1L << 32) * 512);
              }
              default -> assertThat(noise.moved()).isZero();
            }
          });
    }
  }
}
