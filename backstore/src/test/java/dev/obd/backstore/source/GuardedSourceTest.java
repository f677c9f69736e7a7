package dev.obd.backstore.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.device.OnStall;
import dev.obd.backstore.device.StallReport;
import dev.obd.backstore.device.StallReports;
import dev.obd.io.BlockSource;
import dev.obd.io.Ticker;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RequestListener;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is known of an origin, with a clock that only sleeping moves. */
class GuardedSourceTest {
  private static final class Clock implements Ticker {
    private long now = 5;

    @Override
    public long nanos() {
      return now;
    }

    @Override
    public void sleep(long nanos) {
      now += nanos;
    }

    void pass(Duration time) {
      now += time.toNanos();
    }
  }

  /** Fails in the way a test says, or reads zeros. */
  private static final class Origin implements BlockSource {
    private final List<IOException> attempts = new ArrayList<>();
    private Runnable during = () -> {};
    private @Nullable IOException end;
    private int reads;

    @Override
    public long size() {
      return 4096;
    }

    @Override
    public String name() {
      return "it";
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      reads++;
      during.run();
      for (IOException e : attempts) {
        RequestListener.current().retrying((RegistryException) e);
      }
      if (end != null) {
        throw end;
      }
      dst.position(dst.limit());
    }

    @Override
    public void close() {}
  }

  private final Clock clock = new Clock();
  private final List<Runnable> looks = new ArrayList<>();
  private final OriginHealth health = new OriginHealth("reg.example", clock, looks::add);
  private final Origin origin = new Origin();
  private final GuardedSource source = new GuardedSource(origin, origin, health);

  private static RegistryException failure(Kind kind) {
    return new RegistryException(kind, 0, "GET it: " + kind, null);
  }

  private void read() throws IOException {
    source.read(0, ByteBuffer.allocate(16));
  }

  private void fails(Kind kind) {
    origin.end = failure(kind);
    assertThatThrownBy(this::read).isEqualTo(origin.end);
  }

  @Test
  void anOriginThatAnswersIsNoStall() throws IOException {
    read();
    clock.pass(Duration.ofHours(1));
    assertThat(health.stall()).isEmpty();
    assertThat(health.isDown()).isFalse();
  }

  @Test
  void aFailureIsReportedWithItsReasonUntilAReadGetsThrough() throws IOException {
    fails(Kind.UNAVAILABLE);
    clock.pass(Duration.ofSeconds(7));
    assertThat(health.stall())
        .contains(new StallReport("reg.example", "GET it: UNAVAILABLE", Duration.ofSeconds(7), 0));
    fails(Kind.TOO_MANY_REQUESTS);
    assertThat(health.stall().orElseThrow().lasting()).isEqualTo(Duration.ofSeconds(7));
    assertThat(health.stall().orElseThrow().reason()).contains("TOO_MANY_REQUESTS");
    origin.end = null;
    read();
    assertThat(health.stall()).isEmpty();
  }

  @Test
  void whoTriesAgainIsCountedOnceAsLongAsItWaits() throws IOException {
    var seen = new ArrayList<Integer>();
    origin.attempts.add(failure(Kind.UNAVAILABLE));
    origin.attempts.add(failure(Kind.UNAVAILABLE));
    GuardedSource outer =
        new GuardedSource(
            new PassingSource() {
              @Override
              public BlockSource base() {
                return origin;
              }

              @Override
              public void read(long offset, ByteBuffer dst) throws IOException {
                origin.read(offset, dst);
                seen.add(health.stall().orElseThrow().waiting());
              }
            },
            origin,
            health);
    outer.read(0, ByteBuffer.allocate(1));
    assertThat(seen).containsExactly(1);
    assertThat(health.stall()).isEmpty();
  }

  @Test
  void beingRefusedForGoodIsNoStall() {
    for (Kind kind : List.of(Kind.NOT_FOUND, Kind.UNAUTHORIZED, Kind.REFUSED, Kind.BAD_ANSWER)) {
      fails(kind);
      fails(kind);
      assertThat(health.stall()).isEmpty();
    }
    origin.end = new EOFException("a local matter");
    assertThatThrownBy(this::read).isEqualTo(origin.end);
    assertThat(health.stall()).isEmpty();
  }

  @Test
  void silenceIsReportedWhileSomebodyWaits() throws IOException {
    var seen = new ArrayList<StallReport>();
    origin.during =
        () -> {
          clock.pass(Duration.ofSeconds(9));
          assertThat(health.stall()).isEmpty();
          clock.pass(Duration.ofSeconds(3));
          seen.add(health.stall().orElseThrow());
          assertThat(health.isDown()).isTrue();
        };
    read();
    assertThat(seen.getFirst().reason()).isEqualTo("reg.example: no answer for 12 s");
    assertThat(seen.getFirst().waiting()).isEqualTo(1);
    assertThat(health.stall()).isEmpty();
  }

  @Test
  void downIsWhatFailsForAWhileAndNotOnce() {
    fails(Kind.UNAVAILABLE);
    clock.pass(Duration.ofSeconds(60));
    assertThat(health.isDown()).isFalse();
    fails(Kind.UNAVAILABLE);
    assertThat(health.isDown()).isTrue();
  }

  private void readonly() throws IOException {
    StallReports.under(OnStall.READONLY_CACHE, this::read);
  }

  private void goDown() {
    fails(Kind.UNAVAILABLE);
    clock.pass(Duration.ofSeconds(3));
    fails(Kind.UNAVAILABLE);
  }

  @Test
  void whoDoesNotWantToWaitIsRefusedAtOnceAndSaidWhy() throws IOException {
    goDown();
    int before = origin.reads;
    assertThatThrownBy(this::readonly)
        .hasMessageContaining("reg.example is down")
        .hasMessageContaining("GET it: UNAVAILABLE")
        .satisfies(e -> assertThat(GuardedSource.mayPass(e)).isTrue());
    assertThat(origin.reads).isEqualTo(before);
    origin.end = null;
    read(); // who waits is let through, and brings the others back
    readonly();
  }

  @Test
  void whoDoesNotWantToWaitGivesUpWhileItTries() {
    origin.attempts.add(failure(Kind.UNAVAILABLE));
    origin.attempts.add(failure(Kind.UNAVAILABLE));
    goDown();
    origin.end = null;
    origin.during = () -> {};
    var fresh = new OriginHealth("reg.example", clock, looks::add);
    var mine = new GuardedSource(origin, origin, fresh);
    origin.attempts.set(0, failure(Kind.TIMED_OUT));
    assertThatThrownBy(() ->
            StallReports.under(
                OnStall.READONLY_CACHE,
                () -> {
                  fresh.failed("earlier");
                  clock.pass(Duration.ofSeconds(3));
                  mine.read(0, ByteBuffer.allocate(1));
                }))
        .hasMessageContaining("is down");
  }

  @Test
  void anOriginThatIsDownIsLookedAtUntilItIsBack() throws IOException {
    goDown();
    assertThat(looks).hasSize(1);
    int before = origin.reads;
    long since = clock.nanos();
    origin.during =
        () -> {
          if (origin.reads == before + 4) {
            origin.end = null;
          }
        };
    looks.removeFirst().run();
    assertThat(origin.reads).isEqualTo(before + 4);
    assertThat(Duration.ofNanos(clock.nanos() - since))
        .isEqualTo(Duration.ofSeconds(1 + 2 + 4 + 5));
    assertThat(health.stall()).isEmpty();
    goDown();
    assertThat(looks).hasSize(1);
  }

  @Test
  void nothingIsLookedAtOnceEverythingIsClosed() throws IOException {
    goDown();
    source.close();
    int before = origin.reads;
    looks.removeFirst().run();
    assertThat(origin.reads).isEqualTo(before);
  }
}
