package dev.obd.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TracePathTest {
  @TempDir private Path dir;

  @Test
  void anAbsentFileDisables() {
    assertThat(TracePath.detect(dir.resolve("trace"))).isEqualTo(new TracePath.Disabled());
  }

  @Test
  void aDirectoryDisables() {
    assertThat(TracePath.detect(dir)).isEqualTo(new TracePath.Disabled());
  }

  @Test
  void anEmptyFileAsksForARecording() throws IOException {
    Path file = Files.createFile(dir.resolve("trace"));
    assertThat(TracePath.detect(file)).isEqualTo(new TracePath.Empty(file));
  }

  @Test
  void aTraceAsksForReplay() {
    Path file = Golden.dir().resolve("j1-trace/trace");
    assertThat(TracePath.detect(file)).isEqualTo(new TracePath.Recorded(file));
  }

  @Test
  void aTraceWithDamagedRecordsAsksForReplayToo() throws IOException {
    Path file = dir.resolve("trace");
    byte[] damaged = Files.readAllBytes(Golden.dir().resolve("j1-trace/trace"));
    damaged[100]++;
    Files.write(file, damaged);
    assertThat(TracePath.detect(file)).isEqualTo(new TracePath.Recorded(file));
  }

  @Test
  void anythingElseIsAList() throws IOException {
    Path file = dir.resolve("trace");
    Files.writeString(file, "/usr/bin/true\n");
    assertThat(TracePath.detect(file)).isEqualTo(new TracePath.Listed(file));
  }

  @Test
  void whatIsShorterThanAHeaderIsAListEvenIfItStartsWithTheMagic() throws IOException {
    Path file = dir.resolve("trace");
    Files.write(file, new byte[] {0x20, 0x18, (byte) 0xef, (byte) 0xc2});
    assertThat(TracePath.detect(file)).isEqualTo(new TracePath.Listed(file));
  }
}
