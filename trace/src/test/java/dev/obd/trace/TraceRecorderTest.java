package dev.obd.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class TraceRecorderTest {
  @Test
  void keepsReadsInOrder() {
    var recorder = new TraceRecorder();
    recorder.start();
    recorder.read(0, 512, 4096);
    recorder.read(254, Long.MAX_VALUE - 1, 1);
    recorder.read(3, 0, Integer.MAX_VALUE >> 12);
    assertThat(recorder.snapshot())
        .containsExactly(
            new Access(0, 512, 4096),
            new Access(254, Long.MAX_VALUE - 1, 1),
            new Access(3, 0, Integer.MAX_VALUE >> 12));
  }

  @Test
  void recordsOnlyBetweenStartAndStop() {
    var recorder = new TraceRecorder();
    recorder.read(0, 1, 1);
    recorder.start();
    recorder.read(0, 2, 1);
    recorder.stop();
    recorder.read(0, 3, 1);
    assertThat(recorder.snapshot()).containsExactly(new Access(0, 2, 1));
  }

  @Test
  void ignoresWhatIsNoRead() {
    var recorder = new TraceRecorder();
    recorder.start();
    recorder.read(0, 0, 0);
    recorder.read(0, -1, 1);
    recorder.read(-1, 0, 1);
    assertThat(recorder.snapshot()).isEmpty();
    assertThat(recorder.dropped()).isZero();
  }

  @Test
  void longReadsBecomeSeveralRecords() {
    var recorder = new TraceRecorder();
    recorder.start();
    recorder.read(1, 100, (1 << 20) + 1);
    recorder.read(1, 0, Integer.MAX_VALUE);
    assertThat(recorder.snapshot())
        .startsWith(new Access(1, 100, 1 << 20), new Access(1, 100 + (1 << 20), 1))
        .hasSize(2 + 2048);
    assertThat(recorder.snapshot().bytes()).isEqualTo((1L << 20) + 1 + Integer.MAX_VALUE);
  }

  @Test
  void countsWhatItHasNoRoomFor() {
    var recorder = new TraceRecorder(5000);
    recorder.start();
    for (int i = 0; i < 5003; i++) {
      recorder.read(0, i, 1);
    }
    assertThat(recorder.snapshot()).hasSize(5000).last().isEqualTo(new Access(0, 4999, 1));
    assertThat(recorder.size()).isEqualTo(5000);
    assertThat(recorder.dropped()).isEqualTo(3);
  }

  @Test
  void losesNothingOfManyThreadsUpToTheBound() throws InterruptedException {
    int threads = 8;
    int each = 30_000;
    var recorder = new TraceRecorder(threads * each);
    recorder.start();
    run(recorder, threads, each);

    Trace trace = recorder.snapshot();
    assertThat(recorder.dropped()).isZero();
    assertThat(trace).hasSize(threads * each);
    long[] seen = new long[threads];
    for (Access access : trace) {
      // In each thread's order, hence each read exactly once.
      assertThat(access.offset()).isEqualTo(seen[access.layer()]++);
    }
    assertThat(seen).containsOnly(each);
  }

  @Test
  void beyondTheBoundManyThreadsAreCountedExactly() throws InterruptedException {
    var recorder = new TraceRecorder(10_000);
    recorder.start();
    run(recorder, 4, 5_000);
    assertThat(recorder.snapshot()).hasSize(10_000);
    assertThat(recorder.dropped()).isEqualTo(10_000);
  }

  private static void run(TraceRecorder recorder, int threads, int each)
      throws InterruptedException {
    var go = new CountDownLatch(1);
    List<Thread> running = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      int layer = t;
      running.add(
          Thread.ofPlatform()
              .start(() -> {
                try {
                  go.await();
                } catch (InterruptedException e) {
                  return;
                }
                for (int i = 0; i < each; i++) {
                  recorder.read(layer, i, 1 + i);
                }
              }));
    }
    go.countDown();
    for (Thread thread : running) {
      thread.join();
    }
  }
}
