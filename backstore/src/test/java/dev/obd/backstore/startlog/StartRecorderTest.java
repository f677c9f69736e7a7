package dev.obd.backstore.startlog;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.startlog.StartEvent.Kind;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class StartRecorderTest {
  private final AtomicLong now = new AtomicLong(5_000_000);
  private final Ticker ticker =
      new Ticker() {
        @Override
        public long nanos() {
          return now.get();
        }

        @Override
        public void sleep(long nanos) {
          now.addAndGet(nanos);
        }
      };

  @Test
  void anEventSaysWhoReadWhatWhenAndWhy() throws IOException {
    var recorder = new StartRecorder(10, ticker);
    now.addAndGet(3_000_000);
    recorder.disk().read(4096, 512, 1_000_000, true);
    now.addAndGet(1_000_000);
    var replay = new ReadContext(Purpose.REPLAY, Deadline.NEVER);
    replay.run(() -> {
      recorder.layer(Kind.WIRE, 4095).read(7, Integer.MAX_VALUE, 4_000_000, false);
      return "";
    });

    long me = Thread.currentThread().threadId();
    assertThat(recorder.events())
        .containsExactly(
            new StartEvent(Kind.DISK, me, 2000, 3000, -1, 4096, 512, Purpose.DEMAND, false, true),
            new StartEvent(
                Kind.WIRE, me, 0, 4000, 4095, 7, Integer.MAX_VALUE, Purpose.REPLAY, false, false));
  }

  @Test
  void whatFindsNoRoomIsCountedAndWhatComesAfterTheEndIsNot() {
    var recorder = new StartRecorder(3, ticker);
    for (int i = 0; i < 5; i++) {
      recorder.disk().read(i, 1, 0, true);
    }
    recorder.stop();
    recorder.disk().read(9, 1, 0, true);

    assertThat(recorder.events()).extracting(StartEvent::offset).containsExactly(0L, 1L, 2L);
    assertThat(recorder.dropped()).isEqualTo(2);
  }

  @Test
  void everyReadOfManyThreadsIsThereOnceAndInTheOrderOfItsThread() {
    int threads = 8;
    int each = 3000;
    var recorder = new StartRecorder(Ticker.SYSTEM);
    var ids = ConcurrentHashMap.<Long>newKeySet();
    try (var pool = Executors.newFixedThreadPool(threads)) {
      for (int t = 0; t < threads; t++) {
        pool.submit(() -> {
          ids.add(Thread.currentThread().threadId());
          for (int i = 0; i < each; i++) {
            recorder.disk().read(i, 1, 0, true);
          }
        });
      }
    }
    List<StartEvent> events = recorder.events();
    assertThat(events).hasSize(threads * each);
    for (long id : ids) {
      List<Long> own =
          events.stream().filter(e -> e.thread() == id).map(StartEvent::offset).toList();
      assertThat(own.size() % each).isZero();
      for (int i = 0; i < own.size(); i++) {
        assertThat(own.get(i)).isEqualTo(i % each);
      }
    }
  }
}
