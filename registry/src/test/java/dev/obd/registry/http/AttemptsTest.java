package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.RegistryClock;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.IOException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AttemptsTest {
  /** Time passes by sleeping only. */
  private static final class Sleeper implements RegistryClock {
    private long now;
    private final List<Long> slept = new ArrayList<>();

    @Override
    public long nanos() {
      return now;
    }

    @Override
    public void sleep(long nanos) {
      slept.add(nanos / 1_000_000);
      now += nanos;
    }

    @Override
    public Runnable schedule(long nanos, Runnable action) {
      return () -> {};
    }

    @Override
    public Instant wallTime() {
      return Instant.EPOCH.plusNanos(now);
    }
  }

  private final Sleeper clock = new Sleeper();

  private static RegistryException failure(Kind kind) {
    return new RegistryException(kind, 0, "it failed", null);
  }

  private Attempts attempts(Duration patience, int most) {
    return new Attempts(Limit.after(clock, patience), most, () -> 0.0);
  }

  @Test
  void aHostWithoutAnAddressIsLookedUpTwiceByWhoAsksAndAgainAndAgainByWhoReads()
      throws IOException {
    var unknown =
        new RegistryException(Kind.UNAVAILABLE, 0, "no address", new UnknownHostException("host"));
    Attempts asking = attempts(Duration.ofMinutes(10), 6);
    asking.failed(unknown);
    assertThatThrownBy(() -> asking.failed(unknown)).hasMessageContaining("after 2 attempts");
    Attempts reading = attempts(Duration.ofMinutes(10), Integer.MAX_VALUE);
    for (int i = 0; i < 20; i++) {
      reading.failed(unknown);
    }
  }

  @Test
  void pausesDoubleUpToFiveSeconds() throws IOException {
    Attempts attempts = attempts(Duration.ofMinutes(10), 100);
    for (int i = 0; i < 9; i++) {
      attempts.failed(failure(Kind.UNAVAILABLE));
    }
    assertThat(clock.slept)
        .containsExactly(50L, 100L, 200L, 400L, 800L, 1600L, 2500L, 2500L, 2500L);
  }

  @Test
  void progressMakesPausesSmallAgain() throws IOException {
    Attempts attempts = attempts(Duration.ofMinutes(10), 3);
    for (int i = 0; i < 20; i++) {
      attempts.progressed();
      attempts.failed(failure(Kind.UNAVAILABLE));
    }
    assertThat(clock.slept).containsOnly(50L);
  }

  @Test
  void jitterIsHalfOfThePause() throws IOException {
    var most = new Attempts(Limit.after(clock, Duration.ofSeconds(9)), 9, () -> 0.999);
    most.failed(failure(Kind.TIMED_OUT));
    assertThat(clock.slept.get(0)).isBetween(98L, 100L);
  }

  @Test
  void whatCannotPassFailsAtOnce() {
    for (Kind kind : List.of(Kind.UNAUTHORIZED, Kind.NOT_FOUND, Kind.REFUSED)) {
      RegistryException failure = failure(kind);
      assertThatThrownBy(() -> attempts(Duration.ofSeconds(9), 9).failed(failure))
          .isSameAs(failure);
    }
    assertThat(clock.slept).isEmpty();
  }

  @Test
  void aBadAnswerGetsOneMoreChance() throws IOException {
    Attempts attempts = attempts(Duration.ofSeconds(9), 9);
    attempts.failed(failure(Kind.BAD_ANSWER));
    assertThatThrownBy(() -> attempts.failed(failure(Kind.BAD_ANSWER)))
        .isInstanceOf(RegistryException.class);
  }

  @Test
  void whenAttemptsOrTimeAreUsedUpTheLastFailureIsToldWithTheirNumber() throws IOException {
    Attempts few = attempts(Duration.ofSeconds(9), 2);
    few.failed(failure(Kind.TOO_MANY_REQUESTS));
    assertThatThrownBy(() -> few.failed(failure(Kind.TOO_MANY_REQUESTS)))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.TOO_MANY_REQUESTS))
        .hasMessage("it failed (gave up after 2 attempts within 9.0 s)");

    Attempts brief = attempts(Duration.ofMillis(60), 100);
    brief.failed(failure(Kind.UNAVAILABLE));
    assertThatThrownBy(() -> brief.failed(failure(Kind.UNAVAILABLE)))
        .hasMessage("it failed (gave up after 2 attempts within 0.06 s)");
  }

  @Test
  void anAttemptCutShortByThePatienceDoesNotHideWhatWentWrongBefore() throws IOException {
    Attempts attempts = attempts(Duration.ofMillis(60), 9);
    attempts.failed(failure(Kind.UNAVAILABLE));
    clock.sleep(10_000_000);
    assertThatThrownBy(() -> attempts.failed(failure(Kind.TIMED_OUT)))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));

    Attempts silent = attempts(Duration.ofMillis(600), 9);
    silent.failed(failure(Kind.UNAVAILABLE));
    clock.sleep(600_000_000);
    assertThatThrownBy(() -> silent.failed(failure(Kind.TIMED_OUT)))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.TIMED_OUT));
  }

  @Test
  void retryAfterIsObeyedIfThereIsTime() throws IOException {
    Attempts attempts = attempts(Duration.ofSeconds(9), 9);
    attempts.failed(
        new Failures.Throttled(Kind.TOO_MANY_REQUESTS, 429, "later", Duration.ofSeconds(3)));
    assertThat(clock.slept).containsExactly(3000L);
    assertThatThrownBy(() ->
            attempts.failed(
                new Failures.Throttled(
                    Kind.TOO_MANY_REQUESTS, 429, "later", Duration.ofSeconds(7))))
        .isInstanceOf(RegistryException.class);
    assertThat(clock.slept).hasSize(1);
  }
}
