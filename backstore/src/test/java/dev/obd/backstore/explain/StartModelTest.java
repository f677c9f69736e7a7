package dev.obd.backstore.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.obd.backstore.explain.Scenario.Mode;
import dev.obd.backstore.startlog.LoggedStart;
import dev.obd.backstore.startlog.LoggedStart.Step;
import dev.obd.backstore.startlog.StartLog;
import dev.obd.testdata.Profile;
import dev.obd.trace.Trace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the model says of a start that did not happen, beside that start itself. The bound is loose,
 * for machines that are busy with other things.
 */
class StartModelTest {
  private static final double LOOSE = 0.4;
  private static final double BUSY = 1.5;

  @TempDir Path directory;

  private static Link link(Profile profile) {
    return new Link(profile.latency().toNanos() / 1000, profile.bytesPerSecond());
  }

  private static Prediction model(StartLog log, Link over, Mode mode) {
    Timeline timeline = Timeline.of(log);
    return StartModel.of(log, timeline, Classification.of(log, timeline))
        .orElseThrow()
        .predict(new Scenario("", over, mode, 0));
  }

  @Test
  void aStartOverAnotherLinkWithOrWithoutReplayTakesAboutAsLongAsTheModelSays() throws Exception {
    List<Step> program = LoggedStart.program(5, 8, Duration.ofMillis(3));
    Profile slow = Profile.link(Duration.ofMillis(20), Profile.megabits(40));
    Profile fast = Profile.link(Duration.ofMillis(10), Profile.megabits(160));
    try (var starts = new LoggedStart(directory)) {
      Trace trace = starts.record(program);
      starts.run(program, Optional.of(trace), fast); // the first is slow for other reasons
      List<Real> all =
          List.of(
              new Real(starts.run(program, Optional.empty(), slow), Mode.DEMAND),
              new Real(starts.run(program, Optional.empty(), fast), Mode.DEMAND),
              new Real(starts.run(program, Optional.of(trace), slow), Mode.REPLAY),
              new Real(starts.run(program, Optional.of(trace), fast), Mode.REPLAY));
      double off = Math.max(strain(all.get(0).log, slow), strain(all.get(1).log, fast));
      assumeTrue(off < BUSY, () -> "SKIPPED: this machine is too busy to measure: " + off);
      // One of them may have met a moment in which the machine did something else.
      assertThat(all.stream().mapToDouble(real -> worst(all, real)).sorted().toArray()[2])
          .as("how far the model is off, at its worst")
          .isLessThan(LOOSE);
    }
  }

  /** What happened, and the link as it really was: a busy machine is a slow link, too. */
  private static final class Real {
    final StartLog log;
    final Mode mode;
    final Link link;
    final long micros;

    Real(StartLog log, Mode mode) {
      Explanation measured = Explainer.DEFAULT.explain(log);
      this.log = log;
      this.mode = mode;
      this.link = Objects.requireNonNull(measured.link());
      this.micros = measured.time().endMicros();
    }
  }

  /** How far {@code real} is from what the model makes of any of the logs. */
  private static double worst(List<Real> all, Real real) {
    double worst = 0;
    for (Real from : all) {
      long modelled = model(from.log, real.link, real.mode).micros();
      System.out.printf(
          "%s over %s: modelled %d ms, measured %d ms%n",
          real.mode, real.link, modelled / 1000, real.micros / 1000);
      worst = Math.max(worst, Math.abs((double) modelled / real.micros - 1));
    }
    return worst;
  }

  /** How much longer a request typically took than the link makes it. */
  private static double strain(StartLog log, Profile profile) {
    Link link = link(profile);
    double[] ratios =
        Timeline.of(log).requests().stream()
            .mapToDouble(r ->
                (r.endMicros() - r.beginMicros())
                    / (link.rttMicros() + r.length() * 1e6 / link.bytesPerSecond()))
            .sorted()
            .toArray();
    return ratios[ratios.length * 9 / 10];
  }

  @Test
  void whatIsReadArrivesNoSoonerThanTheLineAllowsAndAHotLayerBringsItInOneRequest()
      throws Exception {
    List<Step> program = LoggedStart.program(6, 8, Duration.ZERO);
    Profile link = Profile.link(Duration.ofMillis(5), Profile.megabits(400));
    StartLog log;
    try (var starts = new LoggedStart(directory)) {
      log = starts.run(program, Optional.empty(), link);
    }
    Explanation explained = Explainer.DEFAULT.explain(log);
    Profile slow = Profile.link(Duration.ofMillis(500), Profile.megabits(8));
    Prediction demand = model(log, link(slow), Mode.DEMAND);
    Prediction hot = model(log, link(slow), Mode.HOT);

    assertThat(demand.requests()).isEqualTo(explained.wire().requests());
    assertThat(demand.bytes()).isEqualTo(explained.wire().bytes());
    assertThat(demand.micros()).isGreaterThan(demand.bytes()); // 1 byte a microsecond
    assertThat(hot.micros()).isLessThan(demand.micros());
    long opening = Timeline.of(log).requests().stream().filter(WireRequest::opening).count();
    assertThat(hot.requests()).isEqualTo(opening + 1);
    assertThat(hot.bytes()).isLessThan(demand.bytes());
  }
}
