package dev.obd.tcmu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.Ticker;
import dev.obd.tcmu.scsi.ScsiResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CommandGateTest {
  private static final class Clock implements Ticker {
    long now;

    @Override
    public long nanos() {
      return now;
    }

    @Override
    public void sleep(long nanos) {
      now += nanos;
    }
  }

  private final Clock clock = new Clock();
  private final List<ScsiResult> answers = new ArrayList<>();
  private final CommandGate gate = new CommandGate(clock, Duration.ofSeconds(60));

  private void submit() {
    gate.submit(new byte[6], List.of(), answers::add);
  }

  @Test
  void commandsWaitForTheDiskAndGoToItInTheirOrder() {
    var seen = new ArrayList<Integer>();
    gate.submit(new byte[6], List.of(), answers::add);
    gate.submit(new byte[10], List.of(), answers::add);
    assertThat(gate.held()).isEqualTo(2);
    gate.open((cdb, _, _) -> seen.add(cdb.length));
    gate.submit(new byte[12], List.of(), answers::add);
    assertThat(seen).containsExactly(6, 10, 12);
    assertThat(answers).isEmpty();
    assertThat(gate.held()).isZero();
  }

  @Test
  void nobodyWaitsLongerThanItsPatience() {
    submit();
    clock.sleep(Duration.ofSeconds(30).toNanos());
    submit();
    gate.expire();
    assertThat(answers).isEmpty();
    clock.sleep(Duration.ofSeconds(30).toNanos());
    gate.expire();
    assertThat(answers).containsExactly(CommandGate.NOT_READY);
    assertThat(gate.held()).isEqualTo(1);
  }

  @Test
  void aRefusalIsForThoseThatWaitAndThoseThatCome() {
    submit();
    gate.refuse();
    submit();
    assertThat(answers).containsExactly(CommandGate.NOT_READY, CommandGate.NOT_READY);
    gate.open((_, _, done) -> done.done(new ScsiResult(ScsiResult.GOOD, null, 0)));
    submit();
    assertThat(answers.getLast().status()).isEqualTo(ScsiResult.GOOD);
  }

  @Test
  void pausesBetweenTriesDoubleUpToHalfAMinute() {
    var backoff = new Backoff(clock);
    assertThat(backoff.isDue()).isTrue();
    var pauses = new ArrayList<Long>();
    for (int i = 0; i < 7; i++) {
      backoff.failed();
      long start = clock.now;
      while (!backoff.isDue()) {
        clock.sleep(Duration.ofMillis(500).toNanos());
      }
      pauses.add((clock.now - start) / 1_000_000_000);
    }
    assertThat(pauses).containsExactly(1L, 2L, 4L, 8L, 16L, 30L, 30L);
    assertThat(backoff.tries()).isEqualTo(7);
  }
}
