package dev.obd.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordingTest {
  @TempDir private Path dir;
  private Path file;
  private Path lock;
  private Path ok;
  private final TraceRecorder recorder = new TraceRecorder(10);
  private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();

  @BeforeEach
  void emptyTraceFile() throws IOException {
    file = Files.createFile(dir.resolve("trace"));
    lock = dir.resolve("trace.lock");
    ok = dir.resolve("trace.ok");
  }

  @AfterEach
  void stopScheduler() {
    scheduler.shutdownNow();
  }

  @Test
  void itsLockIsThereWhileItRecords() throws IOException {
    try (var recording = Recording.start(file, recorder, scheduler)) {
      recording.poll();
      assertThat(lock).isEmptyFile();
      assertThat(ok).doesNotExist();
      assertThat(file).isEmptyFile();
      assertThat(recording.done()).isNotDone();
    }
  }

  @Test
  void closingItWritesTheTraceAndSaysSo() throws IOException {
    var recording = Recording.start(file, recorder, scheduler);
    recorder.read(1, 2, 3);
    recording.close();
    assertThat(lock).doesNotExist();
    assertThat(ok).isEmptyFile();
    assertThat(TraceFile.read(file)).containsExactly(new Access(1, 2, 3));
    assertThat(TracePath.detect(file)).isEqualTo(new TracePath.Recorded(file));
    assertThat(recording.done()).isCompletedWithValue(new Recording.Summary(1, 0));
  }

  @Test
  void removingItsLockEndsItWithinTheNextPolls() throws Exception {
    try (var recording = Recording.start(file, recorder, scheduler)) {
      recorder.read(0, 0, 1);
      Files.delete(lock);
      assertThat(recording.done().get(60, TimeUnit.SECONDS)).isEqualTo(new Recording.Summary(1, 0));
      recorder.read(0, 1, 1);
      assertThat(ok).exists();
      assertThat(TraceFile.read(file)).containsExactly(new Access(0, 0, 1));
    }
  }

  @Test
  void endingItAgainChangesNothing() throws IOException {
    var recording = Recording.start(file, recorder, scheduler);
    recording.close();
    Files.delete(ok);
    Files.writeString(file, "another's");
    recording.poll();
    recording.close();
    assertThat(ok).doesNotExist();
    assertThat(file).hasContent("another's");
  }

  @Test
  void markersOfAnEarlierRecordingDoNotHinderIt() throws IOException {
    Files.createFile(lock);
    Files.createFile(ok);
    try (var recording = Recording.start(file, recorder, scheduler)) {
      assertThat(ok).doesNotExist();
      recording.poll();
      assertThat(recording.done()).isNotDone();
    }
    assertThat(lock).doesNotExist();
    assertThat(ok).exists();
  }

  @Test
  void whatFoundNoRoomIsReported() throws IOException {
    var recording = Recording.start(file, recorder, scheduler);
    for (int i = 0; i < 13; i++) {
      recorder.read(0, i, 1);
    }
    recording.close();
    assertThat(recording.done()).isCompletedWithValue(new Recording.Summary(10, 3));
  }

  @Test
  void aFailedWriteIsReportedByCloseAndLeavesNoOk() throws IOException {
    var recording = Recording.start(file, recorder, scheduler);
    Files.delete(file);
    Files.createDirectory(file);
    assertThatThrownBy(recording::close)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("trace");
    assertThat(recording.done()).isCompletedExceptionally();
    assertThat(ok).doesNotExist();
    assertThat(lock).doesNotExist();
  }

  @Test
  void anInterruptedThreadStillWritesTheTrace() throws IOException {
    var recording = Recording.start(file, recorder, scheduler);
    recorder.read(0, 0, 1);
    Thread.currentThread().interrupt();
    try {
      recording.close();
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(TraceFile.read(file)).hasSize(1);
  }
}
