package dev.obd.backstore.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.BlockSources;
import dev.obd.io.Deadline;
import dev.obd.io.Prefetchable;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

class ReadaheadSourceTest {
  private static final int KIB = 1 << 10;
  private static final long MIB = 1 << 20;
  private static final long SIZE = 300 * MIB;

  /** Knows what was asked for, and who reads what was not. */
  private static final class Cache implements Prefetchable {
    final List<Range> streamed = new ArrayList<>();
    final List<Purpose> purposes = new ArrayList<>();
    long missed;
    boolean closed;
    boolean failing;

    @Override
    public void streamIn(Range range, BooleanSupplier wanted) throws IOException {
      if (failing) {
        throw new IOException("gone");
      }
      streamed.add(range);
      purposes.add(ReadContext.current().purpose());
      assertThat(wanted.getAsBoolean()).isTrue();
    }

    @Override
    public void prefetch(Range range) {
      throw new IllegalStateException("not asked for");
    }

    @Override
    public long unitBytes() {
      return 16 * KIB;
    }

    @Override
    public long size() {
      return SIZE;
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      BlockSources.checkRange(this, offset, dst.remaining());
      long end = offset + dst.remaining();
      if (streamed.stream().noneMatch(r -> r.offset() <= offset && r.end() >= end)) {
        missed += dst.remaining();
      }
      dst.position(dst.limit());
    }

    @Override
    public String name() {
      return "cache";
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private final Cache cache = new Cache();

  private ReadaheadSource source(Executor executor) {
    return new ReadaheadSource(cache, executor, Ticker.SYSTEM);
  }

  private static void read(ReadaheadSource source, long offset, int length) throws IOException {
    source.read(offset, ByteBuffer.allocate(length));
  }

  @Test
  void whoReadsAllInOrderMissesOnlyTheBeginningInFewRequestsNoByteTwice() throws IOException {
    try (ReadaheadSource source = source(Runnable::run)) {
      for (long at = 0; at < SIZE; at += 64 * KIB) {
        read(source, at, 64 * KIB);
      }
    }
    assertThat(cache.missed).isLessThanOrEqualTo(512 * KIB);
    assertThat(cache.streamed).hasSizeLessThan(14);
    long end = cache.streamed.getFirst().offset();
    for (Range range : cache.streamed) {
      assertThat(range.offset()).isEqualTo(end);
      assertThat(range.length()).isLessThanOrEqualTo(64 * MIB);
      end = range.end();
    }
    assertThat(end).isEqualTo(SIZE);
    assertThat(cache.purposes).containsOnly(Purpose.REPLAY);
    assertThat(cache.closed).isTrue();
  }

  @Test
  void whoReadsHereAndThereHasNothingFetched() throws IOException {
    var random = new SplittableRandom(1);
    try (ReadaheadSource source = source(Runnable::run)) {
      for (int i = 0; i < 20_000; i++) {
        read(source, random.nextLong(SIZE / MIB) * MIB, 4 * KIB);
      }
    }
    assertThat(cache.streamed).isEmpty();
  }

  @Test
  void fourReadersInOrderAreFollowedAtOnceAmongOthersAndALittleOutOfOrder() throws IOException {
    var random = new SplittableRandom(2);
    try (ReadaheadSource source = source(Runnable::run)) {
      for (long at = 0; at < 40 * MIB; at += 128 * KIB) {
        for (long reader = 0; reader < 3; reader++) {
          long from = reader * 100 * MIB + at;
          read(source, from + 64 * KIB, 64 * KIB);
          read(source, from, 64 * KIB);
        }
        read(source, SIZE - (random.nextInt(200) + 1L) * 16 * KIB, 4 * KIB);
      }
    }
    assertThat(cache.missed).isLessThan(3 * MIB + 320 * 4 * KIB);
  }

  @Test
  void nothingIsFetchedAheadOfAPrefetchOrBeyondTheEndOrAgainWhileItIsUnderWay() throws Exception {
    List<Runnable> waiting = new ArrayList<>();
    try (ReadaheadSource source = source(waiting::add)) {
      new ReadContext(Purpose.REPLAY, Deadline.NEVER)
          .run(() -> {
            for (long at = 0; at < 4 * MIB; at += 64 * KIB) {
              read(source, at, 64 * KIB);
            }
            return source;
          });
      assertThat(waiting).isEmpty();
      for (long at = SIZE - 3 * MIB; at < SIZE; at += 64 * KIB) {
        read(source, at, 64 * KIB);
      }
      assertThat(waiting).hasSize(1);
      waiting.removeFirst().run();
      assertThat(cache.streamed).containsExactly(new Range(SIZE - 5 * MIB / 2, MIB));
    }
  }

  @Test
  void aRequestThatFailsOrIsRefusedIsNoReadersTroubleAndTheNextIsTried() throws IOException {
    cache.failing = true;
    int[] tasks = new int[1];
    try (ReadaheadSource source =
        source(task -> {
          if (tasks[0]++ == 0) {
            throw new RejectedExecutionException("full");
          }
          task.run();
        })) {
      for (long at = 0; at < 16 * MIB; at += 64 * KIB) {
        read(source, at, 64 * KIB);
      }
    }
    assertThat(tasks[0]).isGreaterThan(1);
  }
}
