package dev.obd.backstore.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.Deadline;
import dev.obd.io.DerivedSource;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import dev.obd.registry.RemoteBlob;
import dev.obd.trace.Access;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PassingSourcesTest {
  /** Ten bytes that know whether they were closed, and can be slow or gone. */
  private static final class Probe implements BlockSource {
    private final byte[] content;
    final AtomicInteger closed = new AtomicInteger();
    CountDownLatch entered = new CountDownLatch(0);
    CountDownLatch leave = new CountDownLatch(0);
    boolean failing;

    Probe(int first) {
      this(first, 10);
    }

    Probe(int first, int size) {
      content = new byte[size];
      for (int i = 0; i < size; i++) {
        content[i] = (byte) (first + i);
      }
    }

    @Override
    public long size() {
      return content.length;
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      BlockSources.checkRange(this, offset, dst.remaining());
      entered.countDown();
      try {
        leave.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      if (failing || closed.get() > 0) {
        throw new IOException("gone");
      }
      dst.put(content, (int) offset, dst.remaining());
    }

    @Override
    public boolean evict(long offset, long length) {
      return offset == 3 && length == 4;
    }

    @Override
    public String name() {
      return "probe";
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  private static byte[] read(BlockSource source, long offset, int length) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(length);
    source.read(offset, dst);
    return dst.array();
  }

  @Test
  void everyDecoratorPassesTheRestOn() throws IOException {
    Probe probe = new Probe(0);
    var link = new SimulatedLink(Ticker.SYSTEM, Duration.ZERO, 0);
    try (var scheduler = new SlotScheduler("host", SlotScheduler.Limits.DEFAULT, Ticker.SYSTEM)) {
      List<DerivedSource> decorators =
          List.of(
              new TracedSource(probe, 0, (layer, offset, length) -> {}),
              new MeteredSource(probe, new ReadStats(), Ticker.SYSTEM),
              new ScheduledSource(probe, scheduler),
              new LinkSource(probe, link),
              new SwitchedSource(probe));
      for (DerivedSource source : decorators) {
        String which = source.getClass().getSimpleName();
        assertThat(source.size()).as(which).isEqualTo(10);
        assertThat(source.name()).as(which).isEqualTo("probe");
        assertThat(source.base()).as(which).isSameAs(probe);
        assertThat(source.baseRange(4, 100)).as(which).isEqualTo(new Range(4, 6));
        assertThat(source.baseRange(40, 100)).as(which).isEqualTo(new Range(10, 0));
        assertThat(source.evict(3, 4)).as(which).isTrue();
        assertThat(source.evict(0, 4)).as(which).isFalse();
        assertThat(read(source, 8, 2)).as(which).containsExactly(8, 9);
        assertThatThrownBy(() -> read(source, 9, 2)).as(which).isInstanceOf(EOFException.class);
      }
      for (int i = 0; i < decorators.size(); i++) {
        decorators.get(i).close();
        assertThat(probe.closed.get()).isEqualTo(i + 1);
      }
    }
  }

  @Test
  void aTraceHasTheReadsThatDelivered() throws IOException {
    List<Access> seen = new ArrayList<>();
    Probe probe = new Probe(0);
    try (var source = new TracedSource(probe, 3, (l, o, n) -> seen.add(new Access(l, o, n)))) {
      read(source, 2, 5);
      assertThatThrownBy(() -> read(source, 9, 2)).isInstanceOf(EOFException.class);
      read(source, 0, 1);
    }
    assertThat(seen).containsExactly(new Access(3, 2, 5), new Access(3, 0, 1));
  }

  @Test
  void readsAreMeasured() throws IOException {
    AtomicLong now = new AtomicLong();
    Ticker clock =
        new Ticker() {
          @Override
          public long nanos() {
            return now.getAndAdd(3000);
          }

          @Override
          public void sleep(long nanos) {
            now.addAndGet(nanos);
          }
        };
    ReadStats stats = new ReadStats();
    Probe probe = new Probe(0);
    try (var source = new MeteredSource(probe, stats, clock)) {
      for (int i = 0; i < 9; i++) {
        read(source, 0, 5);
      }
      probe.failing = true;
      assertThatThrownBy(() -> read(source, 0, 5)).hasMessage("gone");
    }
    ReadStats.Snapshot seen = stats.snapshot();
    assertThat(seen.failures()).isEqualTo(1);
    assertThat(seen.bytes()).isEqualTo(45);
    assertThat(seen.latency().count()).isEqualTo(9);
    assertThat(seen.latency().totalNanos()).isEqualTo(27_000);
    assertThat(seen.latency().maxNanos()).isEqualTo(3000);
  }

  @Test
  void afterASwitchReadsUnderWayEndOnTheOldSourceWhichIsThenClosed() throws Exception {
    Probe old = new Probe(0);
    old.entered = new CountDownLatch(1);
    old.leave = new CountDownLatch(1);
    Probe next = new Probe(100);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor();
        var source = new SwitchedSource(old)) {
      var underWay = threads.submit(() -> read(source, 0, 2));
      old.entered.await();
      source.switchTo(next);
      assertThat(read(source, 0, 2)).containsExactly(100, 101);
      assertThat(source.base()).isSameAs(next);
      assertThat(old.closed.get()).isZero();
      old.leave.countDown();
      assertThat(underWay.get()).containsExactly(0, 1);
      assertThat(old.closed.get()).isEqualTo(1);
      assertThat(next.closed.get()).isZero();
    }
    assertThat(next.closed.get()).isEqualTo(1);
    assertThat(old.closed.get()).isEqualTo(1);
  }

  @Test
  void whatWasReadWrongBeforeASwitchMayBeReadAgainAfterIt() throws IOException {
    Probe old = new Probe(0);
    Probe local = new Probe(100);
    try (var source = new SwitchedSource(old)) {
      assertThat(source.evict(0, 4)).isFalse(); // there is no other copy
      source.switchTo(local);
      assertThat(source.evict(0, 4)).isTrue();
      assertThat(read(source, 0, 1)).containsExactly(100);
    }
  }

  @Test
  void aSourceOfAnotherSizeIsRefusedAndClosed() throws IOException {
    Probe old = new Probe(0);
    Probe shorter = new Probe(0, 9);
    try (var source = new SwitchedSource(old)) {
      assertThatThrownBy(() -> source.switchTo(shorter)).isInstanceOf(FormatException.class);
      assertThat(shorter.closed.get()).isEqualTo(1);
      assertThat(read(source, 0, 1)).containsExactly(0);
    }
  }

  @Test
  void aClosedSwitchClosesWhatComesLate() throws IOException {
    var source = new SwitchedSource(new Probe(0));
    source.close();
    source.close();
    Probe late = new Probe(1);
    source.switchTo(late);
    assertThat(late.closed.get()).isEqualTo(1);
    assertThatThrownBy(() -> read(source, 0, 1)).hasMessage("probe: closed");
  }

  @Test
  void readersThatRaceWithSwitchesSeeOnlyOpenSources()
      throws IOException, InterruptedException, ExecutionException {
    List<Probe> all = new ArrayList<>(List.of(new Probe(0)));
    try (var threads = Executors.newVirtualThreadPerTaskExecutor();
        var source = new SwitchedSource(all.getFirst())) {
      var reader =
          threads.submit(() -> {
            for (int i = 0; i < 20_000; i++) {
              read(source, 0, 1);
            }
            return null;
          });
      while (!reader.isDone()) {
        all.add(new Probe(all.size()));
        source.switchTo(all.getLast());
        Thread.yield();
      }
      reader.get();
    }
    assertThat(all).allSatisfy(probe -> assertThat(probe.closed.get()).isEqualTo(1));
  }

  @Test
  void aRemoteReadHasThePatienceThatIsLeftOrTheDefault() throws IOException {
    List<Duration> patience = new ArrayList<>();
    AtomicInteger closed = new AtomicInteger();
    RemoteBlob blob =
        new RemoteBlob() {
          @Override
          public long size() {
            return 10;
          }

          @Override
          public String name() {
            return "blob";
          }

          @Override
          public void read(long offset, ByteBuffer dst, Duration most) {
            patience.add(most);
            dst.put(new byte[dst.remaining()]);
          }

          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
    AtomicLong now = new AtomicLong();
    Ticker clock =
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
    try (var source = new RemoteSource(blob)) {
      read(source, 0, 5);
      Deadline deadline = Deadline.after(clock, Duration.ofMinutes(2));
      now.set(20_000_000_000L);
      new ReadContext(Purpose.DEMAND, deadline).run(() -> read(source, 0, 5));
      assertThatThrownBy(() -> read(source, 6, 5)).isInstanceOf(EOFException.class);
      assertThat(source.evict(0, 1)).isTrue();
    }
    assertThat(patience).containsExactly(Duration.ofSeconds(30), Duration.ofSeconds(100));
    assertThat(closed.get()).isEqualTo(1);
  }
}
