package dev.obd.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UpdateLockTest {
  /** Time passes when somebody sleeps. */
  private static final class SleepTicker implements Ticker {
    private long now;

    @Override
    public long nanos() {
      return now;
    }

    @Override
    public void sleep(long nanos) {
      now += nanos;
    }
  }

  @Test
  void whoDoesNotGetItInTimeIsToldSoAndTheNextOneGetsItOnceItIsFree(@TempDir Path dir)
      throws IOException {
    Path file = dir.resolve("a.runs");
    var ticker = new SleepTicker();
    try (var _ = UpdateLock.take(file, ticker);
        var _ = UpdateLock.take(dir.resolve("b.runs"), ticker)) {
      assertThat(ticker.now).isZero();
      assertThatThrownBy(() -> UpdateLock.take(file, ticker))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("a.runs");
      assertThat(ticker.now)
          .isBetween(Duration.ofSeconds(30).toNanos(), Duration.ofSeconds(31).toNanos());
    }
    long before = ticker.now;
    UpdateLock.take(file, ticker).close();
    assertThat(ticker.now).isEqualTo(before);
  }

  @Test
  void otherProcessesSeeIt(@TempDir Path dir) throws IOException {
    try (var _ = UpdateLock.take(dir.resolve("a.runs"), Ticker.SYSTEM);
        FileChannel same =
            FileChannel.open(dir.resolve(".a.runs.lock"), StandardOpenOption.WRITE)) {
      assertThatThrownBy(same::tryLock).isInstanceOf(OverlappingFileLockException.class);
    }
  }
}
