package dev.obd.backstore.startlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.startlog.LoggedStart.Step;
import dev.obd.backstore.startlog.StartEvent.Kind;
import dev.obd.backstore.startlog.StartLogging.Target;
import dev.obd.io.ReadContext.Purpose;
import dev.obd.io.Ticker;
import dev.obd.testdata.LoggedRequest;
import dev.obd.testdata.Profile;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StartLoggingTest {
  @TempDir Path directory;

  private static Stream<StartEvent> events(StartLog log, Kind kind) {
    return log.events().stream().filter(e -> e.kind() == kind);
  }

  @Test
  void theLogHoldsEveryReadOfTheDiskAndEveryByteThatTheRegistrySent() throws Exception {
    List<Step> program = LoggedStart.program(3, 12, Duration.ofMillis(1));
    try (var starts = new LoggedStart(directory)) {
      Trace trace = starts.record(program);
      StartLog log = starts.run(program, Optional.of(trace), Profile.link(Duration.ofMillis(5), 0));

      assertThat(events(log, Kind.DISK).map(e -> e.offset() + "+" + e.length()))
          .containsExactlyElementsOf(
              program.stream().map(s -> s.offset() + "+" + s.length()).toList());
      long sent =
          starts.registry.log().stream()
              .filter(LoggedRequest::isBlobRead)
              .mapToLong(LoggedRequest::bytesSent)
              .sum();
      assertThat(events(log, Kind.WIRE).filter(StartEvent::ok).mapToLong(StartEvent::length).sum())
          .isEqualTo(sent);
      assertThat(events(log, Kind.WIRE).map(StartEvent::purpose))
          .contains(Purpose.DEMAND, Purpose.REPLAY);
      // One turn may be made in several requests.
      assertThat(events(log, Kind.TURN).count())
          .isPositive()
          .isLessThanOrEqualTo(events(log, Kind.WIRE).count());
      assertThat(log.needs()).isNotEmpty().hasSizeLessThanOrEqualTo(trace.size());
      assertThat(log.steps()).isNotEmpty().hasSizeLessThan(log.needs().size());
      assertThat(log.layers()).hasSize(2).allMatch(l -> l.unitBytes() == 16384);
      assertThat(log.endMicros())
          .isGreaterThanOrEqualTo(
              log.events().stream().mapToLong(StartEvent::endMicros).max().orElseThrow());
    }
  }

  @Test
  void theFileIsWrittenWhenTheTimeIsOverAndStaysAsItThenIs() throws Exception {
    Path file = directory.resolve("log");
    try (var scheduler = Executors.newScheduledThreadPool(1)) {
      var read = new CountDownLatch(1);
      scheduler.submit(() -> {
        read.await(); // time does not pass before that
        return "";
      });
      var target = new Target(file, Optional.of(Duration.ofMillis(1)));
      StartLogging logging =
          StartLogging.start(target, "app", scheduler, Runnable::run, Ticker.SYSTEM);
      logging.recorder().disk().read(0, 512, 0, true);
      read.countDown();
      for (int i = 0; i < 3000 && Files.notExists(file); i++) {
        Thread.sleep(10);
      }
      byte[] written = Files.readAllBytes(file);
      logging.recorder().disk().read(512, 512, 0, true);
      logging.close();
      assertThat(Files.readAllBytes(file)).isEqualTo(written);
    }
    assertThat(StartLogFile.read(file).events()).hasSize(1);
  }

  @Test
  void aPlaceThatCannotBeWrittenIsSaidBeforeAnythingIsLogged() throws IOException {
    try (var scheduler = Executors.newScheduledThreadPool(1)) {
      var target = new Target(directory.resolve("no/such/log"), Optional.empty());
      assertThatThrownBy(
              () -> StartLogging.start(target, "app", scheduler, Runnable::run, Ticker.SYSTEM))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no/such/log");
    }
  }

  /** A timer that is over when it is asked to. */
  private static final class OwnTimer extends ScheduledThreadPoolExecutor {
    private final List<Runnable> tasks = new ArrayList<>();

    OwnTimer() {
      super(1);
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
      tasks.add(task);
      return super.schedule(() -> {}, 1, TimeUnit.DAYS);
    }
  }

  @Test
  void theTimerOnlyHandsTheWritingOn() throws Exception {
    Path file = directory.resolve("log");
    List<Runnable> handed = new ArrayList<>();
    try (var timer = new OwnTimer()) {
      var target = new Target(file, Optional.of(Duration.ofMinutes(1)));
      StartLogging logging = StartLogging.start(target, "app", timer, handed::add, Ticker.SYSTEM);
      timer.tasks.forEach(Runnable::run);
      assertThat(file).doesNotExist();
      handed.forEach(Runnable::run);
      assertThat(StartLogFile.read(file).events()).isEmpty();
      logging.close();
      timer.shutdownNow();
    }
  }

  @Test
  void whatCouldNotBeWrittenWhenTheTimeWasOverIsSaidAtTheEndOrWrittenThen() throws Exception {
    Path place = Files.createDirectory(directory.resolve("place"));
    Path file = place.resolve("log");
    try (var timer = new OwnTimer()) {
      var target = new Target(file, Optional.of(Duration.ofMinutes(1)));
      StartLogging logging = StartLogging.start(target, "app", timer, Runnable::run, Ticker.SYSTEM);
      logging.recorder().disk().read(0, 512, 0, true);
      Files.delete(place);
      timer.tasks.forEach(Runnable::run);
      logging.recorder().disk().read(512, 512, 0, true); // after the time
      assertThatThrownBy(logging::close).isInstanceOf(IOException.class);
      Files.createDirectory(place);
      logging.close();
      assertThat(StartLogFile.read(file).events()).hasSize(1);
      timer.shutdownNow();
    }
  }
}
