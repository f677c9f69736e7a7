package dev.obd.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every {@link BlockSource} keeps. A test of a source extends this and says how to open it.
 */
public abstract class BlockSourceContract {
  /** Opens a source that holds exactly {@code content}. */
  protected abstract BlockSource open(byte[] content) throws IOException;

  /** What the length of a content must be a multiple of. */
  protected int granularity() {
    return 1;
  }

  static LongStream contractSeeds() {
    return LongStream.of(1, 2, System.nanoTime());
  }

  private byte[] content(SplittableRandom random, int about) {
    int length = Math.max(1, about / granularity()) * granularity();
    byte[] content = new byte[length];
    random.nextBytes(content);
    // Runs of zeros, so that sources that leave zeros out are exercised too.
    for (int i = 0; i < 4; i++) {
      int from = random.nextInt(length);
      Arrays.fill(content, from, Math.min(length, from + random.nextInt(1, 20_000)), (byte) 0);
    }
    return content;
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("contractSeeds")
  void everyRangeReadsAsWasPut(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] content = content(random, random.nextInt(1, 300_000));
    try (BlockSource source = open(content)) {
      assertThat(source.size()).isEqualTo(content.length);
      for (int i = 0; i < 200; i++) {
        readSomewhere(source, content, random);
      }
      assertThat(read(source, 0, content.length, random)).isEqualTo(content);
    }
  }

  @Test
  void aReadOutsideIsAnEofAndLeavesTheBufferAlone() throws IOException {
    byte[] content = content(new SplittableRandom(3), 10_000);
    long size = content.length;
    try (BlockSource source = open(content)) {
      for (long offset :
          new long[] {-1, size - 6, size, size + 1, Long.MAX_VALUE, Long.MIN_VALUE}) {
        ByteBuffer dst = ByteBuffer.allocate(9).position(1).limit(8);
        assertThatThrownBy(() -> source.read(offset, dst))
            .as("read of 7 bytes at %d of %d", offset, size)
            .isInstanceOf(EOFException.class);
        assertThat(dst.array()).containsOnly(0);
        assertThat(dst.position()).isEqualTo(1);
        assertThat(dst.limit()).isEqualTo(8);
      }
    }
  }

  @Test
  void aReadOfNothingIsAllowedUpToTheEnd() throws IOException {
    byte[] content = content(new SplittableRandom(4), 5_000);
    try (BlockSource source = open(content)) {
      source.read(0, ByteBuffer.allocate(0));
      source.read(content.length, ByteBuffer.allocate(0));
      assertThatThrownBy(() -> source.read(content.length + 1L, ByteBuffer.allocate(0)))
          .isInstanceOf(EOFException.class);
    }
  }

  @Test
  void readersShareNothing() throws IOException, InterruptedException, ExecutionException {
    byte[] content = content(new SplittableRandom(5), 200_000);
    try (BlockSource source = open(content);
        var readers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> done = new ArrayList<>();
      for (int reader = 0; reader < 8; reader++) {
        var random = new SplittableRandom(reader);
        done.add(
            readers.submit(() -> {
              for (int i = 0; i < 100; i++) {
                readSomewhere(source, content, random);
              }
              return null;
            }));
      }
      for (Future<?> one : done) {
        one.get();
      }
    }
  }

  @Test
  void itHasAName() throws IOException {
    try (BlockSource source = open(content(new SplittableRandom(6), 4_096))) {
      assertThat(source.name()).isNotBlank();
    }
  }

  private static void readSomewhere(BlockSource source, byte[] content, SplittableRandom random)
      throws IOException {
    int from = random.nextInt(content.length);
    int longest = Math.min(content.length - from, random.nextBoolean() ? 5_000 : content.length);
    int length = random.nextInt(longest + 1);
    assertThat(read(source, from, length, random))
        .as("%d bytes at %d", length, from)
        .isEqualTo(Arrays.copyOfRange(content, from, from + length));
  }

  /** Reads into a heap or direct buffer with bytes around the range, which must stay. */
  private static byte[] read(BlockSource source, long offset, int length, SplittableRandom random)
      throws IOException {
    int before = random.nextInt(9);
    int after = random.nextInt(9);
    int capacity = before + length + after;
    ByteBuffer dst =
        random.nextBoolean() ? ByteBuffer.allocateDirect(capacity) : ByteBuffer.allocate(capacity);
    for (int i = 0; i < capacity; i++) {
      dst.put(i, (byte) 0x5a);
    }
    dst.position(before).limit(before + length);
    source.read(offset, dst);
    assertThat(dst.hasRemaining()).as("buffer filled").isFalse();
    assertThat(dst.limit()).as("limit kept").isEqualTo(before + length);
    dst.clear();
    for (int i = 0; i < capacity; i++) {
      if (i < before || i >= before + length) {
        assertThat(dst.get(i)).as("byte outside the range").isEqualTo((byte) 0x5a);
      }
    }
    byte[] got = new byte[length];
    dst.get(before, got);
    return got;
  }
}
