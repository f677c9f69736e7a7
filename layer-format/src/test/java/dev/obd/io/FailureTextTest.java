package dev.obd.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FailureTextTest {
  @TempDir private Path directory;

  private interface Step {
    void run() throws IOException;
  }

  private static String textOf(Step step) {
    try {
      step.run();
    } catch (IOException e) {
      return FailureText.of(e);
    }
    throw new AssertionError("it did not fail");
  }

  @Test
  void whatTheJdkLeavesOutOfItsMessagesAboutFilesIsSaid() throws IOException {
    Path missing = directory.resolve("missing");
    assertThat(textOf(() -> Files.readString(missing)))
        .isEqualTo(missing + ": no such file or directory");
    assertThat(textOf(() -> Files.createDirectory(directory)))
        .isEqualTo(directory + ": exists already");
    Path file = Files.writeString(directory.resolve("file"), "");
    assertThat(textOf(() -> Files.delete(directory))).isEqualTo(directory + ": is not empty");
    assertThat(textOf(() -> Files.list(file).close())).isEqualTo(file + ": is no directory");
  }

  @Test
  void aReasonThatIsThereStays() {
    assertThat(FailureText.of(new NoSuchFileException("/a", null, "the layer's file")))
        .isEqualTo("/a: the layer's file");
    assertThat(FailureText.of(new IOException("no answer"))).isEqualTo("no answer");
  }

  @Test
  void ofWhatIsNoInputOrOutputTheKindIsSaid() {
    assertThat(FailureText.of(new IOException())).isEqualTo("java.io.IOException");
    assertThat(FailureText.of(new IllegalStateException("odd")))
        .isEqualTo("java.lang.IllegalStateException: odd");
  }
}
