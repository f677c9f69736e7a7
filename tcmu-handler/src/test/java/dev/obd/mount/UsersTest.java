package dev.obd.mount;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UsersTest {
  @TempDir private Path directory;

  @Test
  void aProcessThatStandsInADirectoryOrHasAFileOpenBelowItIsNamed() throws IOException {
    Tools.requireOnPath("sleep");
    Path below = Files.createDirectories(directory.resolve("used/below"));
    Path used = directory.resolve("used").toRealPath();
    assertThat(Users.inUse(used)).isEqualTo(used + " is in use");
    Path file = Files.createFile(below.resolve("file"));
    Path unused = directory.toRealPath().resolve("use");
    for (ProcessBuilder how :
        List.of(
            new ProcessBuilder("sleep", "600").directory(below.toFile()),
            new ProcessBuilder("sleep", "600").redirectInput(file.toFile()))) {
      Process sleeper = how.start();
      try {
        assertThat(Users.inUse(used))
            .isEqualTo(used + " is in use by sleep (pid " + sleeper.pid() + ")");
        assertThat(Users.inUse(unused)).isEqualTo(unused + " is in use");
      } finally {
        sleeper.destroyForcibly();
      }
    }
    try (var _ = FileChannel.open(file, StandardOpenOption.READ)) {
      assertThat(Users.inUse(used)).as("who asks").doesNotContain("java");
    }
  }
}
